import type { DescMethod } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel as Level } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { hashKey, hasOneRequest } from "./hash-key.ts";
import type { PolicyLayer } from "./policy.ts";
import { refusal } from "./policy-source.ts";
import type { PolicySource } from "./policy-source.ts";

/** Codes with which a call that was carried out may end, in full or in part. */
const afterRun: readonly Code[] = [
  Code.Canceled,
  Code.Unknown,
  Code.DeadlineExceeded,
  Code.Internal,
  Code.Unavailable,
  Code.DataLoss,
];

/** Whether a call that ended with the code may have been carried out, as far as the code tells. */
export function mayHaveRun(code: Code): boolean {
  return afterRun.includes(code);
}

/** Whether the contract says that a call may be carried out twice (`idempotency_level`). */
export function isIdempotent(method: DescMethod): boolean {
  return method.idempotency === Level.IDEMPOTENT || method.idempotency === Level.NO_SIDE_EFFECTS;
}

/** Whether calls to a method can be hedged: they have one request and one answer, and may be carried out twice. */
export function isHedgeable(method: DescMethod): boolean {
  return method.methodKind === "unary" && isIdempotent(method);
}

/**
 * Checks a policy that was written for one method against that method. Throws
 * a configuration error for repetitions that could carry a call out twice, and
 * for a hash key that the request does not have.
 */
export function checkForMethod(layer: PolicyLayer, method: DescMethod, source: PolicySource): void {
  const { retry, hedging } = layer;
  const name = `${method.parent.typeName}.${method.name}`;
  const unsafe = retry ? (retry.codes ?? []).filter(mayHaveRun) : [];
  if (unsafe.length > 0 && !isIdempotent(method)) {
    const codes = unsafe.map((code) => Code[code]).join(", ");
    const remedy = "give the method an idempotency_level, or remove the codes";
    throw refusal(source, "retry.codes", `to ${codes}, with which a call to ${name} may have been carried out: ${remedy}`);
  }
  if (hedging && !isHedgeable(method)) {
    const why = method.methodKind === "unary" ? "has no idempotency_level" : "is not unary";
    throw refusal(source, "hedging", `though ${name} ${why}: only a call that may be carried out twice can be hedged`);
  }
  checkHashKey(layer, method, source);
}

/** Throws a configuration error when a policy's hash key is no field of the method's request. */
export function checkHashKey(layer: PolicyLayer, method: DescMethod, source: PolicySource): void {
  const path = layer.hashKey;
  if (path === undefined) return;
  const found = hasOneRequest(method) ? hashKey(method.input, path) : "it has more than one request";
  if (typeof found !== "string") return;
  throw refusal(source, "hashKey", `to ${path}, which ${method.parent.typeName}.${method.name} cannot use: ${found}`);
}
