import type { DescField, DescMessage, Message } from "@bufbuild/protobuf";
import { errorText } from "../../error.ts";
import { isTextField, isTextMessage } from "./field-path.ts";
import type { FieldPath } from "./field-path.ts";
import { assignAt, kindOf } from "./fields.ts";
import { badRequest } from "./refusal.ts";
import type { RestBinding } from "./rule.ts";

/** Levels of messages that a parameter may name, as many as ProtoJSON readers take. */
const maxDepth = 100;

/** Names that are kept with what they stand for: recursive messages have no end of them. */
const maxKnown = 256;

const theQuery = "the query";

/** What is done with a query parameter that names no field. */
export type UnknownQuery = "refuse" | "ignore";

/** Sets the fields of a message that a query, without its `?`, names. */
export type QueryBinder = (message: Message, query: string) => void;

/** What a request has set so far, or may not set, by path in proto names. */
interface Taken {
  /** Fields, with what has set them. */
  readonly fields: Map<string, string>;
  /** The member that each oneof has. */
  readonly oneofs: Map<string, DescField>;
}

/**
 * Compiles how the query of a binding's requests is read: parameters reach
 * every leaf that neither path nor body binds, in both spellings of each name.
 * The reader throws `invalid_argument` for a parameter that names no field, for
 * one that path or body bind or that no text can hold, for a singular field
 * twice, and for two members of a oneof.
 */
export function queryBinder(binding: RestBinding, unknown: UnknownQuery): QueryBinder {
  // All fields are in the path or the body then; the query belongs to nobody.
  if (binding.body === "*") return () => {};
  const bound = boundBy(binding);
  const known = new Map<string, FieldPath>();
  const pathOf = (name: string): FieldPath | string => {
    const found = known.get(name) ?? resolve(binding.method.input, name);
    if (typeof found !== "string" && known.size < maxKnown) known.set(name, found);
    return found;
  };
  return (message, query) => {
    if (query === "") return;
    const taken = { fields: new Map(bound.fields), oneofs: new Map(bound.oneofs) };
    for (const pair of query.split("&")) {
      if (pair === "") continue;
      const equals = pair.indexOf("=");
      const name = decode(equals === -1 ? pair : pair.slice(0, equals), pair);
      const fields = pathOf(name);
      if (typeof fields === "string") {
        if (unknown === "refuse") throw badRequest(name, `no query parameter: ${fields}`);
        continue;
      }
      take(fields, name, taken);
      set(message, fields, name, equals === -1 ? "" : decode(pair.slice(equals + 1), pair));
    }
  };
}

function boundBy({ variables, body }: RestBinding): Taken {
  const taken: Taken = { fields: new Map(), oneofs: new Map() };
  for (const { fields } of variables) note(fields, "the path", taken);
  if (body !== undefined && body !== "*") note([body], "the body", taken);
  return taken;
}

function note(fields: FieldPath, by: string, taken: Taken): void {
  let path = "";
  for (const field of fields) {
    const oneof = "oneof" in field ? field.oneof : undefined;
    if (oneof !== undefined) taken.oneofs.set(`${path}${oneof.name}`, field);
    path += `${field.name}.`;
  }
  taken.fields.set(path, by);
}

/** Claims a leaf for a parameter. Throws when the request has it already, or another member of its oneof. */
function take(fields: FieldPath, name: string, taken: Taken): void {
  let path = "";
  for (const field of fields) {
    const oneof = "oneof" in field ? field.oneof : undefined;
    const member = oneof === undefined ? undefined : taken.oneofs.get(`${path}${oneof.name}`);
    if (member !== undefined && member !== field) {
      throw badRequest(name, `${member.name} is set too, and only one of ${oneof?.name} can be`);
    }
    path += `${field.name}.`;
    const by = taken.fields.get(path);
    if (by === theQuery && field.fieldKind !== "list") throw badRequest(name, "it is there twice, but is not repeated");
    if (by !== undefined && by !== theQuery) throw badRequest(name, `${by} already sets ${field.name}`);
  }
  note(fields, theQuery, taken);
}

function set(message: Message, fields: FieldPath, name: string, value: string): void {
  const leaf = fields.at(-1);
  if (leaf === undefined) return;
  if (!isTextField(leaf) && !isTextList(leaf)) {
    throw badRequest(name, `${leaf.name} cannot be a query parameter: ${unfit(leaf)}`);
  }
  try {
    assignAt(message, fields, value);
  } catch (error) {
    throw badRequest(name, `cannot read "${value.slice(0, 64)}" as ${kindOf(leaf)}: ${errorText(error)}`);
  }
}

/** The fields of a name, or why there are none. Looked up in descriptors only: `__proto__` is no field. */
function resolve(root: DescMessage, name: string): FieldPath | string {
  const names = name.split(".", maxDepth + 1);
  if (names.length > maxDepth) return `it has more than ${maxDepth} levels`;
  const fields: DescField[] = [];
  let message: DescMessage | undefined = root;
  for (const part of names) {
    if (message === undefined) {
      const last = fields.at(-1);
      // A list or a map cannot be named at all, so what comes after it does not matter.
      return last?.fieldKind === "map" || (last?.fieldKind === "list" && !isTextList(last))
        ? fields
        : `${last?.name} has no fields of its own`;
    }
    const field: DescField | undefined = fieldsOf(message).get(part);
    if (field === undefined) return `${message.typeName} has no field "${part.slice(0, 64)}"`;
    fields.push(field);
    message = field.fieldKind === "message" && !isTextMessage(field.message) ? field.message : undefined;
  }
  return fields;
}

const fieldsByName = new WeakMap<DescMessage, ReadonlyMap<string, DescField>>();

/** The fields of a message by both spellings of their names. */
function fieldsOf(message: DescMessage): ReadonlyMap<string, DescField> {
  let fields = fieldsByName.get(message);
  if (fields === undefined) {
    fields = new Map(message.fields.flatMap((field) => [[field.name, field], [field.jsonName, field]]));
    fieldsByName.set(message, fields);
  }
  return fields;
}

function isTextList(field: DescField): boolean {
  return field.fieldKind === "list" && (field.listKind !== "message" || isTextMessage(field.message));
}

function unfit(field: DescField): string {
  if (field.fieldKind === "map") return "it is a map";
  return field.fieldKind === "list" ? "it repeats messages" : "it is a message; name one of its fields";
}

/** Decodes a part of a query, where a plus is a space. */
function decode(raw: string, pair: string): string {
  const spaced = raw.includes("+") ? raw.replaceAll("+", " ") : raw;
  if (!spaced.includes("%")) return spaced;
  try {
    return decodeURIComponent(spaced);
  } catch {
    throw badRequest(pair.slice(0, 64), "its percent escapes are malformed or not UTF-8");
  }
}
