import { toJson } from "@bufbuild/protobuf";
import type { DescField, JsonObject, JsonValue, Message, Registry } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { errorText } from "../../error.ts";
import { local } from "../progress.ts";
import type { FieldPath } from "./field-path.ts";
import { valueOf } from "./fields.ts";
import { pathWriter } from "./path-writer.ts";
import { payload } from "./payload.ts";
import { writeQuery } from "./query-writer.ts";
import type { RestBinding } from "./rule.ts";

/** A request as HTTP sends it. */
export interface WrittenRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  /** Undefined sends none. */
  readonly body: { readonly bytes: Uint8Array; readonly contentType: string } | undefined;
}

/** Writes requests by one binding. */
export interface RequestWriter {
  readonly binding: RestBinding;
  /** The request of a message, or why this binding cannot carry it. */
  write(message: Message): WrittenRequest | string;
  /** One of the later messages of a client stream: only a body. */
  more(message: Message): Uint8Array | string;
}

/** Compiles how a binding's requests are written: the reverse of how a server reads them. */
export function requestWriter(binding: RestBinding, registry: Registry): RequestWriter {
  const { method, variables, body } = binding;
  const field = body === "*" ? undefined : body;
  const content = payload(method.input, field, { registry, emitDefaults: false });
  const writePath = pathWriter(binding);
  const httpMethod = binding.httpMethod === "*" ? (body === undefined ? "GET" : "POST") : binding.httpMethod;
  const streams = method.methodKind === "client_streaming";
  const jsonType = streams ? "application/x-ndjson" : "application/json";

  /** The JSON of a message; raw content is left out, since it is sent as it is. */
  const jsonOf = (message: Message): JsonObject => {
    const all = content.raw ? withoutRaw(message, field) : message;
    return toJson(method.input, all, { registry }) as JsonObject;
  };

  const rawBody = (message: Message): WrittenRequest["body"] | string => {
    const raw = content.toRaw(message);
    if (raw === undefined) return undefined;
    if (raw.extensions.length > 0) return "an HttpBody with extensions cannot be sent";
    return { bytes: raw.data, contentType: raw.contentType };
  };

  const jsonBody = (json: JsonObject): Uint8Array | undefined => {
    const value: JsonValue | undefined = field === undefined ? json : json[field.jsonName];
    // A message of a stream is a line, also when it has nothing to say.
    if (streams) return Buffer.from(`${JSON.stringify(value ?? null)}\n`);
    return value === undefined ? undefined : Buffer.from(JSON.stringify(value));
  };

  /** A message that is the body, and nothing but the body. */
  const whole = body === "*" && variables.length === 0 && !content.raw && !streams;

  return {
    binding,
    write(message) {
      if (whole) {
        const written = writePath({});
        if (typeof written === "string") return written;
        const bytes = Buffer.from(content.toText(message));
        return { method: httpMethod, target: written.path, body: { bytes, contentType: jsonType } };
      }
      const json = jsonOf(message);
      const written = writePath(json);
      if (typeof written === "string") return written;
      const rest = variables.reduce((all, { fields }) => without(all, fields), json);
      const query = writeQuery(method.input, queryPart(rest, binding));
      if (typeof query === "string") return query;
      const target = query.query === "" ? written.path : `${written.path}?${query.query}`;
      if (body === undefined) return { method: httpMethod, target, body: undefined };
      if (content.raw) {
        const raw = rawBody(message);
        return typeof raw === "string" ? raw : { method: httpMethod, target, body: raw };
      }
      const bytes = jsonBody(rest);
      return {
        method: httpMethod,
        target,
        body: bytes === undefined ? undefined : { bytes, contentType: jsonType },
      };
    },
    more(message) {
      const json = jsonOf(message);
      if (content.raw) {
        const raw = rawBody(message);
        if (typeof raw === "string") return raw;
        const alone = Object.keys(json).length === 0 && (raw === undefined || raw.contentType === "");
        return alone ? (raw?.bytes ?? new Uint8Array(0)) : "only the first message may have more than data";
      }
      if (Object.keys(queryPart(json, binding)).length > 0) {
        return `only the first message may have fields besides ${field?.name}`;
      }
      return jsonBody(json) ?? new Uint8Array(0);
    },
  };
}

/** Writes a message by the first binding that can carry it. Throws `invalid_argument` when none can. */
export function writeRequest(
  writers: readonly RequestWriter[],
  message: Message,
): { readonly writer: RequestWriter; readonly request: WrittenRequest } {
  const problems: string[] = [];
  for (const writer of writers) {
    const request = attempt(() => writer.write(message));
    if (typeof request !== "string") return { writer, request };
    problems.push(request);
  }
  const text = `no http rule can carry this ${message.$typeName}: ${problems.join("; ")}; change the message or use another channel`;
  throw local(new ConnectError(text, Code.InvalidArgument));
}

/** What has no JSON form, or no UTF-8 form, is a reason as well. */
function attempt<T>(write: () => T | string): T | string {
  try {
    return write();
  } catch (error) {
    return errorText(error);
  }
}

/** The fields that are query parameters. */
function queryPart(json: JsonObject, { body }: RestBinding): JsonObject {
  if (body === "*") return {};
  if (body === undefined) return json;
  const { [body.jsonName]: _, ...others } = json;
  return others;
}

/** A message's JSON without one field; parents that get empty go too, since the path makes them again. */
function without(json: JsonObject, [field, ...below]: FieldPath): JsonObject {
  if (field === undefined || json[field.jsonName] === undefined) return json;
  const { [field.jsonName]: value, ...others } = json;
  if (below.length === 0) return others;
  const child = without(value as JsonObject, below);
  return Object.keys(child).length === 0 ? others : { ...json, [field.jsonName]: child };
}

function withoutRaw(message: Message, field: DescField | undefined): Message {
  const copy = Object.assign(Object.create(Object.getPrototypeOf(message) as object) as Message, message);
  if (field === undefined) return Object.assign(copy, { data: new Uint8Array(0), contentType: "" });
  const oneof = "oneof" in field ? field.oneof : undefined;
  if (oneof === undefined) return Object.assign(copy, { [field.localName]: undefined });
  return valueOf(message, field) === undefined ? copy : Object.assign(copy, { [oneof.localName]: { case: undefined } });
}
