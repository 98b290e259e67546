import type { DescMethod } from "@bufbuild/protobuf";
import type { HandlerContext, Interceptor, MethodImplSpec } from "@connectrpc/connect";
import type { UnaryMethod } from "./unary/form.ts";

/**
 * Runs when a call's headers are there and before its message is read; throws
 * to turn the call away. The place for authentication.
 */
export type RequestGate = (context: HandlerContext) => void | Promise<void>;

/** An interceptor that can tell for which methods it does nothing, so that their calls do without it. */
export interface SelectiveInterceptor extends Interceptor {
  concerns(method: DescMethod): boolean;
}

/** Whether an interceptor has something to do for the calls of a method. */
export function concerns(interceptor: Interceptor | SelectiveInterceptor, method: DescMethod): boolean {
  return !("concerns" in interceptor) || interceptor.concerns(method);
}

/** A method that this process hosts: what every wire calls in the end. */
export interface HostedMethod {
  /** The implementation, in Connect's own shape. */
  readonly spec: MethodImplSpec;
  /** Run around each call, whichever wire it came by. */
  readonly interceptors: readonly Interceptor[];
  /** The method as calls in one piece reach it, without what the wire does first; unary methods only. */
  readonly unary: UnaryMethod | undefined;
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
