import type { DescMethod } from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";
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
    unary: async (method, signal, timeoutMs, header, message, contextValues) =>
      plain === undefined
        ? callUnary(options, prepare(method), method, { signal, timeoutMs, header, contextValues, message })
        : callPlain(plain, options, prepare(method), method, { signal, timeoutMs, header, contextValues, message }),
    stream: async (method, signal, timeoutMs, header, messages, contextValues) =>
      callStream(options, prepare(method), method, { signal, timeoutMs, header, contextValues, messages }),
  };
}
