import { create, createRegistry, fromJson, toBinary, toJson } from "@bufbuild/protobuf";
import type { DescMethod, JsonObject, JsonValue, Registry } from "@bufbuild/protobuf";
import { base64Decode, base64Encode } from "@bufbuild/protobuf/wire";
import { AnySchema, hasCustomJsonRepresentation } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { contractTypes } from "../../contract/types.ts";

type Detail = ConnectError["details"][number];

const prefix = "type.googleapis.com/";

/**
 * Key of a detail whose type its sender does not know: the bytes in base64.
 * Fields cannot be named like this.
 */
const base64Key = "@base64";

/** The types that details may have: those of `google.rpc`, those of a method's files, and the user's. */
export function detailTypes(method: DescMethod, registry: Registry | undefined): Registry {
  const types = contractTypes(method.parent.file);
  return registry === undefined ? types : createRegistry(types, registry);
}

/** An error as the JSON of a `google.rpc.Status`. */
export function statusJson(error: ConnectError, types: () => Registry): JsonObject {
  return {
    code: error.code,
    message: error.rawMessage,
    details: error.details.map((detail) => detailJson(detail, types)),
  };
}

/** The error of a `google.rpc.Status`, or undefined when the JSON is none. Details of unknown types are left out. */
export function statusError(json: JsonValue, metadata: Headers, types: () => Registry): ConnectError | undefined {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return undefined;
  const { message, details } = json;
  const code = Object.values(Code).find((each): each is Code => each === json["code"]);
  if (code === undefined) return undefined;
  const error = new ConnectError(typeof message === "string" ? message : "", code, metadata);
  error.isWireError = true;
  if (Array.isArray(details)) error.details = details.flatMap((detail) => detailOf(detail, types) ?? []);
  return error;
}

/** The code of an answer that is no `google.rpc.Status`: HEAD has no body, and a proxy speaks its own words. */
export function codeOfHttpStatus(status: number): Code {
  const codes: Readonly<Record<number, Code>> = {
    400: Code.InvalidArgument,
    401: Code.Unauthenticated,
    403: Code.PermissionDenied,
    404: Code.NotFound,
    405: Code.Unimplemented,
    409: Code.Aborted,
    413: Code.ResourceExhausted,
    415: Code.Unimplemented,
    429: Code.ResourceExhausted,
    499: Code.Canceled,
    500: Code.Internal,
    501: Code.Unimplemented,
    502: Code.Unavailable,
    503: Code.Unavailable,
    504: Code.DeadlineExceeded,
  };
  return codes[status] ?? Code.Unknown;
}

function detailJson(detail: Detail, types: () => Registry): JsonObject {
  try {
    if ("desc" in detail) {
      const json = toJson(detail.desc, create(detail.desc, detail.value), { registry: types() });
      const type = { "@type": prefix + detail.desc.typeName };
      return hasCustomJsonRepresentation(detail.desc) ? { ...type, value: json } : { ...type, ...(json as JsonObject) };
    }
    const any = create(AnySchema, { typeUrl: prefix + detail.type, value: detail.value });
    return toJson(AnySchema, any, { registry: types() }) as JsonObject;
  } catch {
    // Its type, or that of an Any inside, is not known here.
    const [type, bytes] = "desc" in detail
      ? [detail.desc.typeName, toBinary(detail.desc, create(detail.desc, detail.value))]
      : [detail.type, detail.value];
    return { "@type": prefix + type, [base64Key]: base64Encode(bytes) };
  }
}

function detailOf(json: JsonValue, types: () => Registry): Detail | undefined {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return undefined;
  const { "@type": url, [base64Key]: bytes } = json;
  if (typeof url !== "string") return undefined;
  const type = url.slice(url.lastIndexOf("/") + 1);
  try {
    if (typeof bytes === "string") return { type, value: base64Decode(bytes) };
    const { value } = fromJson(AnySchema, json, { registry: types(), ignoreUnknownFields: true });
    return { type, value, debug: json };
  } catch {
    return undefined;
  }
}
