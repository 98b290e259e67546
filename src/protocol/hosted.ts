import type { DescMethod } from "@bufbuild/protobuf";
import type { Interceptor, MethodImplSpec } from "@connectrpc/connect";

/** A method that this process hosts: what every wire calls in the end. */
export interface HostedMethod {
  /** The implementation, in Connect's own shape. */
  readonly spec: MethodImplSpec;
  /** Run around each call, whichever wire it came by. */
  readonly interceptors: readonly Interceptor[];
}

/** The methods that this process hosts. */
export interface Hosted {
  /** The method, or undefined when it is not hosted here. */
  find(method: DescMethod): HostedMethod | undefined;
}
