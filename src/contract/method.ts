import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { isIdempotent } from "./check-method.ts";
import type { ContractPolicy } from "./contract-policy.ts";
import { contractPolicy } from "./contract-policy.ts";

/** What calls need to know about a method, worked out once. */
export interface MethodInfo extends ContractPolicy {
  /** `package.Service/Method`, as in a request path without its first slash. */
  readonly path: string;
  /** Whether the contract says that a call may be made twice (`idempotency_level`). */
  readonly idempotent: boolean;
}

const infos = new WeakMap<DescMethod, MethodInfo>();

/** The info of a method. Throws when its contract options make no sense. */
export function methodInfo(method: DescMethod): MethodInfo {
  let info = infos.get(method);
  if (info === undefined) {
    info = {
      ...contractPolicy(method),
      path: `${method.parent.typeName}/${method.name}`,
      idempotent: isIdempotent(method),
    };
    infos.set(method, info);
  }
  return info;
}

/** Reads all options of a service, so that a wrong one is an error at start. */
export function checkContract(service: DescService): void {
  for (const method of service.methods) methodInfo(method);
}
