import type { DescMethod } from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";
import { keepProgress } from "../keep-progress.ts";
import { restMethod } from "./client-method.ts";
import type { RestClientOptions, RestMethod } from "./client-method.ts";
import { callPlain } from "./client-plain.ts";
import { callStream } from "./client-stream.ts";
import { callUnary } from "./client-unary.ts";

/**
 * Calls methods by their `google.api.http` rules: the reverse of what a server
 * does with them. A method without a rule, or one that streams in both
 * directions, is `unimplemented`; a message that no rule of its method can carry
 * is `invalid_argument`.
 */
export function restTransport(options: RestClientOptions): Transport {
  const methods = new WeakMap<DescMethod, RestMethod>();
  const prepare = (method: DescMethod): RestMethod => {
    let ready = methods.get(method);
    if (ready === undefined) methods.set(method, (ready = restMethod(method, options)));
    return ready;
  };
  const { compression, interceptors, unaryHttp } = options;
  const plain = compression === undefined && interceptors.length === 0 ? unaryHttp : undefined;
  return {
    // Async, so that what cannot be called rejects.
    unary: async (method, signal, timeoutMs, header, message, contextValues) => {
      const prepared = prepare(method);
      const init = { timeoutMs, header, contextValues, message };
      return plain === undefined
        ? keepProgress(signal, (own) => callUnary(options, prepared, method, { ...init, signal: own }))
        : callPlain(plain, options, prepared, method, { ...init, signal });
    },
    stream: async (method, signal, timeoutMs, header, messages, contextValues) => {
      const prepared = prepare(method);
      const init = { timeoutMs, header, contextValues, messages };
      return keepProgress(signal, (own) => callStream(options, prepared, method, { ...init, signal: own }), true);
    },
  };
}
