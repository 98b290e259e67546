import type { Message } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import { createContextKey } from "@connectrpc/connect";
import type { ContextKey, Interceptor, MethodImplSpec, UnaryRequest } from "@connectrpc/connect";
import { replaceHeaders } from "../headers.ts";
import { concerns } from "../hosted.ts";
import type { CallContext } from "./call-context.ts";

/** A unary method's specification. */
export type UnarySpec = MethodImplSpec & { readonly kind: "unary" };

/** Calls an implementation, behind its interceptors. It may throw, or return a promise. */
export type Invoke = (message: Message, context: CallContext) => Message | Promise<Message>;

/** The shape of what interceptors pass on. */
type Next = ReturnType<Interceptor>;

/** Where a request that was copied still has its call. */
const ofRequest: unique symbol = Symbol("call");

/** A request that knows its call. */
interface Called {
  readonly [ofRequest]?: CallContext;
}

/** Where a request that was made anew still has its call. */
const callKey: ContextKey<CallContext | undefined> = createContextKey<CallContext | undefined>(
  undefined,
  { description: "connect-mesh call" },
);

/**
 * Ties an implementation to its interceptors, once a method: Connect's own
 * servers do that for each call.
 */
export function invoker(spec: UnarySpec, all: readonly Interceptor[]): Invoke {
  const interceptors = all.filter((interceptor) => concerns(interceptor, spec.method));
  const output = spec.method.output;
  const implementation = spec.impl;
  if (interceptors.length === 0) {
    return (message, context) => {
      const answer = implementation(message, context);
      return answer instanceof Promise || "then" in answer
        ? Promise.resolve(answer).then((value) => create(output, value))
        : create(output, answer);
    };
  }
  const innermost: Next = async (request) => {
    const { contextValues, header, message, signal, method, service } = request as UnaryRequest;
    const context = (request as Called)[ofRequest] ?? contextValues.get(callKey);
    if (context === undefined) {
      throw new TypeError("an interceptor made a new request without contextValues of the old one");
    }
    context.replace(header, signal, contextValues);
    return {
      stream: false,
      service,
      method,
      header: context.responseHeader,
      trailer: context.responseTrailer,
      message: create(output, await implementation(message as Message, context)),
    };
  };
  const composed = interceptors.reduceRight<Next>((next, interceptor) => interceptor(next), innermost);
  return async (message, context) => {
    context.values.set(callKey, context);
    const request: UnaryRequest & Called = {
      [ofRequest]: context,
      stream: false,
      service: spec.method.parent,
      method: spec.method,
      requestMethod: context.requestMethod,
      url: context.url,
      header: context.requestHeader,
      signal: context.signal,
      contextValues: context.values,
      message,
    };
    const { header, trailer, message: answer } = await composed(request);
    replaceHeaders(context.responseHeader, header);
    replaceHeaders(context.responseTrailer, trailer);
    return answer as Message;
  };
}
