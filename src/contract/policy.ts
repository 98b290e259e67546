import { getOption, hasOption } from "@bufbuild/protobuf";
import type { DescMethod } from "@bufbuild/protobuf";
import type { Duration } from "@bufbuild/protobuf/wkt";
import { durationMs } from "@bufbuild/protobuf/wkt";
import { method as methodOption, service as serviceOption } from "../../gen/mesh/v1/options_pb.ts";
import { configurationError } from "../error.ts";

/** What a contract says about a method: its own options over those of its service. */
export interface ContractPolicy {
  /** Component that hosts the service, when the contract names one. */
  readonly component: string | undefined;
  /** Deadline of a call, in milliseconds, when the contract sets one. */
  readonly timeoutMs: number | undefined;
}

/**
 * Reads the `mesh.v1` options of a method. Throws a configuration error that
 * names the method or service when an option makes no sense.
 */
export function contractPolicy(method: DescMethod): ContractPolicy {
  const service = method.parent;
  const ofService = hasOption(service, serviceOption) ? getOption(service, serviceOption) : undefined;
  const ofMethod = hasOption(method, methodOption) ? getOption(method, methodOption) : undefined;
  return {
    component: ofService?.component === "" ? undefined : ofService?.component,
    timeoutMs:
      positiveMs(ofMethod?.timeout, `${service.typeName}.${method.name}`) ??
      positiveMs(ofService?.timeout, service.typeName),
  };
}

function positiveMs(duration: Duration | undefined, culprit: string): number | undefined {
  if (duration === undefined) return undefined;
  const ms = Math.ceil(durationMs(duration));
  if (ms <= 0) {
    throw configurationError(
      `the contract of ${culprit} sets a timeout of ${ms} ms: it must be above 0`,
      { culprit },
    );
  }
  return ms;
}
