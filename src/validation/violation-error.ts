import { create } from "@bufbuild/protobuf";
import type { DescMessage } from "@bufbuild/protobuf";
import { pathToString } from "@bufbuild/protobuf/reflect";
import { Code } from "@connectrpc/connect";
import type { ConnectError } from "@connectrpc/connect";
import { BadRequest_FieldViolationSchema, BadRequestSchema } from "../../gen/google/rpc/error_details_pb.ts";
import type { BadRequest_FieldViolation } from "../../gen/google/rpc/error_details_pb.ts";
import { meshError } from "../error.ts";
import type { Violation } from "./library.ts";

/**
 * Size of the violations that an error names, in bytes. gRPC sends errors in
 * trailers, and its clients take 8 KiB of those at least.
 */
const maxBytes = 3_072;

/** Longest text of one violation, in characters: map keys in paths are the caller's. */
const maxText = 256;

/**
 * The error for a message that breaks rules: `invalid_argument` with reason
 * `VALIDATION_FAILED` and a `google.rpc.BadRequest`, whose violations hold the
 * path of the field in the words of the contract, what is wrong, and as reason
 * the rule's id. The first violations stand for all when there are very many;
 * `violations` in the metadata of the `ErrorInfo` is the number of all.
 */
export function violationError(desc: DescMessage, violations: readonly Violation[]): ConnectError {
  const told = firstThatFit(violations.map(fieldViolation));
  const [first] = told;
  const where = first === undefined || first.field === "" ? "" : `${first.field}: `;
  const others = violations.length > 1 ? `, and ${violations.length - 1} more` : "";
  const error = meshError(
    Code.InvalidArgument,
    "VALIDATION_FAILED",
    `${desc.typeName} is not valid: ${where}${first?.description ?? ""}${others}; see the field violations`,
    { metadata: { message: desc.typeName, violations: String(violations.length) } },
  );
  error.details.push({
    desc: BadRequestSchema,
    value: create(BadRequestSchema, { fieldViolations: told }),
  });
  return error;
}

function fieldViolation({ field, forKey, message, ruleId }: Violation): BadRequest_FieldViolation {
  return create(BadRequest_FieldViolationSchema, {
    field: cut(pathToString(field)),
    description: cut(forKey ? `the key ${message}` : message),
    reason: cut(ruleId),
  });
}

/** The first violations, at least one, that together are not too large. */
function firstThatFit(all: readonly BadRequest_FieldViolation[]): BadRequest_FieldViolation[] {
  let bytes = 0;
  const tooFar = all.findIndex(({ field, description, reason }, at) => {
    bytes += Buffer.byteLength(field + description + reason);
    return at > 0 && bytes > maxBytes;
  });
  return tooFar === -1 ? [...all] : all.slice(0, tooFar);
}

/** Half a surrogate pair, from a cut or from the caller, has no place in a header. */
function cut(text: string): string {
  const short = text.length <= maxText ? text : `${text.slice(0, maxText - 1)}…`;
  return short.toWellFormed();
}
