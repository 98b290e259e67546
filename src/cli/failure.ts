import { create, createRegistry, fromBinary, toJson } from "@bufbuild/protobuf";
import type { JsonValue, Registry } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { file_google_rpc_error_details } from "../../gen/google/rpc/error_details_pb.ts";
import { errorDomain, errorText } from "../error.ts";
import { printable } from "./io.ts";
import { UsageError } from "./usage-error.ts";

/** An error as `--json` prints it, in the shape of a Connect error. */
export interface Failure {
  /** Name of the code, such as `not_found`; `usage` when the command line is wrong. */
  readonly code: string;
  readonly message: string;
  readonly details: readonly FailureDetail[];
}

/** One detail of an error. */
export interface FailureDetail {
  /** Full name of the message. */
  readonly type: string;
  /** The message as ProtoJSON, when its type is known. */
  readonly value?: JsonValue | undefined;
  /** Its bytes in base64, when its type is not known. */
  readonly bytes?: string | undefined;
}

const wellKnown = createRegistry(file_google_rpc_error_details);

/** Something that failed where more was known about it than whoever prints it does. */
export class FailedError extends Error {
  override readonly name = "FailedError";
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

/** Describes anything that was thrown. `types` are those that details may have. */
export function failureOf(error: unknown, types?: Registry): Failure {
  if (error instanceof FailedError) return error.failure;
  if (error instanceof UsageError) {
    const hint = error.hint === undefined ? "" : `; ${error.hint}`;
    return { code: "usage", message: error.message + hint, details: [] };
  }
  if (!(error instanceof ConnectError)) {
    return { code: "unknown", message: errorText(error), details: [] };
  }
  return {
    code: codeName(error.code),
    message: error.rawMessage,
    details: error.details.map((detail) =>
      "desc" in detail
        ? { type: detail.desc.typeName, value: toJson(detail.desc, create(detail.desc, detail.value)) }
        : incoming(detail.type, detail.value, types),
    ),
  };
}

/** The lines for people. */
export function failureText({ code, message, details }: Failure): string {
  const lines = details.filter((detail) => !isReason(detail)).map(({ type, value, bytes = "" }) =>
    value === undefined
      ? `  ${type}: of an unknown type, in base64 ${bytes}`
      : `  ${type}: ${JSON.stringify(value)}`,
  );
  return printable([`${code}: ${message}`, ...lines, ""].join("\n"));
}

/** Whether it is what the mesh adds to its errors for programs: the message says the same. */
function isReason({ type, value }: FailureDetail): boolean {
  if (type !== "google.rpc.ErrorInfo") return false;
  return (value as { domain?: unknown } | undefined)?.domain === errorDomain;
}

/** A code as the protocols write it, such as `deadline_exceeded`. */
export function codeName(code: Code): string {
  return (Code[code] ?? "unknown").replaceAll(/(?<=.)[A-Z]/g, "_$&").toLowerCase();
}

function incoming(type: string, value: Uint8Array, types: Registry | undefined): FailureDetail {
  const desc = types?.getMessage(type) ?? wellKnown.getMessage(type);
  try {
    if (desc !== undefined) {
      return { type, value: toJson(desc, fromBinary(desc, value), registryOption(types)) };
    }
  } catch {
    // Whoever made it has another version of the message.
  }
  return { type, bytes: Buffer.from(value).toString("base64") };
}

function registryOption(types: Registry | undefined): { registry?: Registry } {
  return types === undefined ? {} : { registry: types };
}
