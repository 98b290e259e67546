import type { DescField, DescMessage, DescMethod, Message } from "@bufbuild/protobuf";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";

/**
 * Reads the key of a request, so that requests with one key go to one
 * instance. Undefined when the request has none: an unset field, or an empty
 * text or empty bytes.
 */
export type HashKey = (message: Message) => string | undefined;

/** Whether a method has the one request that a key can be read from. */
export function hasOneRequest(method: DescMethod): boolean {
  return method.methodKind === "unary" || method.methodKind === "server_streaming";
}

/**
 * Makes the reader of a field, which is named by its path in proto names with
 * dots between. The field holds one scalar, enum or wrapper. Returns a text
 * that says why when the message has no such field.
 */
export function hashKey(root: DescMessage, path: string): HashKey | string {
  const fields: DescField[] = [];
  let message: DescMessage | undefined = root;
  for (const name of path.split(".")) {
    if (message === undefined) return `${fields.at(-1)?.name} has no fields of its own`;
    const field: DescField | undefined = message.fields.find((one) => one.name === name);
    if (field === undefined) return `${message.typeName} has no field ${name}`;
    if (field.fieldKind === "list" || field.fieldKind === "map") return `${name} holds many values`;
    fields.push(field);
    message = field.fieldKind === "message" && !isWrapperDesc(field.message) ? field.message : undefined;
  }
  if (message !== undefined) return `${path} is a message; name one of its fields`;
  return (request) => {
    let value: unknown = request;
    for (const field of fields) {
      if (value === undefined) return undefined;
      value = valueOf(value as Record<string, unknown>, field);
    }
    return keyText(value);
  };
}

function valueOf(message: Record<string, unknown>, field: DescField): unknown {
  if (field.oneof === undefined) return message[field.localName];
  const chosen = message[field.oneof.localName] as { case?: string; value?: unknown };
  return chosen.case === field.localName ? chosen.value : undefined;
}

function keyText(value: unknown): string | undefined {
  if (typeof value === "string") return value === "" ? undefined : value;
  if (typeof value === "number" || typeof value === "bigint" || typeof value === "boolean") return `${value}`;
  if (value instanceof Uint8Array) return keyText(Buffer.from(value).toString("latin1"));
  // Only a wrapper in a oneof is left: others are their value.
  return typeof value === "object" && value !== null && "value" in value ? keyText(value.value) : undefined;
}
