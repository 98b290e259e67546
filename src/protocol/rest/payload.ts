import { create, fromJson, fromJsonString, toJson, toJsonString } from "@bufbuild/protobuf";
import type { DescField, DescMessage, JsonObject, JsonValue, Message, Registry } from "@bufbuild/protobuf";
import { hasCustomJsonRepresentation } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { HttpBodySchema } from "../../../gen/google/api/httpbody_pb.ts";
import type { HttpBody } from "../../../gen/google/api/httpbody_pb.ts";
import { errorText } from "../../error.ts";
import { assign, valueOf } from "./fields.ts";
import { hasLongNumber, parseJson } from "./json.ts";

/** What a body holds: a message, or one field of it. Compiled once for a binding. */
export interface Payload {
  /** Whether the body is a `google.api.HttpBody`: bytes with a content type of their own, not JSON. */
  readonly raw: boolean;
  /** Reads JSON text. Throws `invalid_argument` when it is not what the message or field takes. */
  fromText(text: string): Message;
  /** Reads parsed JSON, with the same errors. */
  fromJson(json: JsonValue): Message;
  /** Writes JSON text. Throws `internal` when the message has no JSON form. */
  toText(message: Message): string;
  /** Makes a message with raw content in it. */
  fromRaw(data: Uint8Array, contentType: string): Message;
  /** The raw content of a message; undefined when it has none. */
  toRaw(message: Message): HttpBody | undefined;
}

/** Options of {@link payload}. */
export interface PayloadOptions {
  /** Types that may stand in a `google.protobuf.Any`. */
  readonly registry: Registry;
  /** Whether fields that have their default value are written too. */
  readonly emitDefaults: boolean;
}

/** Compiles how a body is read and written. @param field undefined for the whole message */
export function payload(desc: DescMessage, field: DescField | undefined, options: PayloadOptions): Payload {
  const { registry, emitDefaults } = options;
  const read = { registry, ignoreUnknownFields: true };
  const write = { registry, alwaysEmitImplicit: emitDefaults };
  const json = field === undefined ? whole(desc, read, write) : part(desc, field, read, write);
  const target = field === undefined ? desc : field.fieldKind === "message" ? field.message : undefined;
  const what = field === undefined ? desc.typeName : `${desc.typeName}.${field.name}`;
  return {
    raw: target?.typeName === HttpBodySchema.typeName,
    fromText: guarded(json.fromText, `cannot read ${what} from JSON`, Code.InvalidArgument),
    fromJson: guarded(json.fromJson, `cannot read ${what} from JSON`, Code.InvalidArgument),
    toText: guarded(json.toText, `cannot write ${what} as JSON`, Code.Internal),
    fromRaw(data, contentType) {
      // Not the Buffer that it may be: implementations get what the contract says.
      const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      const body = create(HttpBodySchema, { data: bytes, contentType });
      if (field === undefined) return body;
      const message = create(desc);
      assign(message, field, body);
      return message;
    },
    toRaw: (message) => (field === undefined ? message : valueOf(message, field)) as HttpBody | undefined,
  };
}

type Json = Pick<Payload, "fromText" | "fromJson" | "toText">;
type Read = Parameters<typeof fromJson>[2];
type Write = Parameters<typeof toJsonString>[2];

function whole(desc: DescMessage, read: Read, write: Write): Json {
  return {
    // The reader of text also refuses keys that are there twice.
    fromText: (text) =>
      hasLongNumber(text) ? fromJson(desc, parseJson(text), read) : fromJsonString(desc, text, read),
    fromJson: (json) => fromJson(desc, json, read),
    toText: (message) => toJsonString(desc, message, write),
  };
}

function part(desc: DescMessage, field: DescField, read: Read, write: Write): Json {
  const name = field.jsonName;
  const empty = toJson(desc, create(desc), { alwaysEmitImplicit: true }) as JsonObject;
  const unset = JSON.stringify(empty[name] ?? null);
  const fromValue = (json: JsonValue): Message => fromJson(desc, { [name]: json }, read);
  const plain = field.fieldKind === "message" && !hasCustomJsonRepresentation(field.message) ? field.message : undefined;
  return {
    fromText(text) {
      if (plain === undefined || hasLongNumber(text) || text.trim() === "null") return fromValue(parseJson(text));
      const message = create(desc);
      assign(message, field, fromJsonString(plain, text, read));
      return message;
    },
    fromJson: fromValue,
    toText(message) {
      const json = (toJson(desc, message, write) as JsonObject)[name];
      return json === undefined ? unset : JSON.stringify(json);
    },
  };
}

function guarded<A, R>(run: (value: A) => R, what: string, code: Code): (value: A) => R {
  return (value) => {
    try {
      return run(value);
    } catch (error) {
      if (error instanceof ConnectError) throw error;
      throw new ConnectError(`${what}: ${errorText(error)}`, code, undefined, undefined, error);
    }
  };
}
