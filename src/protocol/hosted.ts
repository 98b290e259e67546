import type { DescMethod } from "@bufbuild/protobuf";
import type { HandlerContext, Interceptor, MethodImplSpec } from "@connectrpc/connect";

/**
 * Runs when a call's headers are there and before its message is read; throws
 * to turn the call away. The place for authentication.
 */
export type RequestGate = (context: HandlerContext) => void | Promise<void>;

/** A method that this process hosts: what every wire calls in the end. */
export interface HostedMethod {
  /** The implementation, in Connect's own shape. */
  readonly spec: MethodImplSpec;
  /** Run around each call, whichever wire it came by. */
  readonly interceptors: readonly Interceptor[];
  /** Asked first, whichever wire the call came by. */
  readonly requestGate: RequestGate | undefined;
  /** Ends running calls when it aborts, with its reason. */
  readonly shutdown: AbortSignal;
}

/** The methods that this process hosts. */
export interface Hosted {
  /** The method, or undefined when it is not hosted here. */
  find(method: DescMethod): HostedMethod | undefined;
}
