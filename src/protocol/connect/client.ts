import type { DescMessage, DescMethod, DescMethodUnary } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel as Level } from "@bufbuild/protobuf/wkt";
import type { Interceptor, Transport, UnaryResponse } from "@connectrpc/connect";
import { createMethodUrl } from "@connectrpc/connect/protocol";
import type { Compression, UniversalClientFn } from "@connectrpc/connect/protocol";
import type { Codec } from "../../codec/codec.ts";
import { keepProgress } from "../keep-progress.ts";
import type { HttpAnswer, UnaryHttp } from "../unary/http.ts";
import { callPlain, plainReader } from "./client-plain.ts";
import { callStream } from "./client-stream.ts";
import { callUnary } from "./client-unary.ts";
import { unaryType } from "./content-type.ts";
import { methodCodec } from "./method-codec.ts";
import type { MessageLimits, MethodCodec } from "./method-codec.ts";

/** Options of {@link connectTransport}. */
export interface ConnectClientOptions extends MessageLimits {
  /** The format of messages. */
  readonly codec: Codec;
  /** Carries the requests. */
  readonly httpClient: UniversalClientFn;
  /** Scheme and authority of request URLs. */
  readonly baseUrl: string;
  /** Run around each call. */
  readonly interceptors: readonly Interceptor[];
  /** Compresses requests; undefined sends them as they are. */
  readonly compression: Compression | undefined;
  /** Smallest request that is compressed, in bytes. */
  readonly compressMinBytes: number;
  /** Whether methods without side effects are called by GET, which caches can answer. */
  readonly httpGet: boolean;
  /** Carries unary calls that want nothing unusual. Default: they go by `httpClient` too. */
  readonly unaryHttp?: UnaryHttp | undefined;
}

/** A method as the client calls it, worked out once. */
export interface ClientMethod<I extends DescMessage, O extends DescMessage>
  extends MethodCodec<I, O> {
  readonly url: string;
  readonly path: string;
  /** The content type of unary calls. */
  readonly contentType: string;
  /** Reads the whole answer of a unary call. */
  readonly read: (answer: HttpAnswer) => UnaryResponse<I, O> | Promise<UnaryResponse<I, O>>;
}

/** The Connect protocol's client over any codec (connectrpc.com/docs/protocol). */
export function connectTransport(options: ConnectClientOptions): Transport {
  const methods = new WeakMap<DescMethod, ClientMethod<DescMessage, DescMessage>>();
  const prepare = <I extends DescMessage, O extends DescMessage>(
    method: DescMethod & { readonly input: I; readonly output: O },
  ): ClientMethod<I, O> => {
    let ready = methods.get(method);
    if (ready === undefined) {
      const parts = {
        ...methodCodec<DescMessage, DescMessage>(options.codec, method, options),
        url: createMethodUrl(options.baseUrl, method),
        path: createMethodUrl("/", method),
        contentType: unaryType(options.codec),
      };
      ready = { ...parts, read: plainReader(options, parts, method as DescMethodUnary) };
      methods.set(method, ready);
    }
    // What was compiled for a method fits its types.
    return ready as unknown as ClientMethod<I, O>;
  };
  const { compression, httpGet, interceptors, unaryHttp } = options;
  const plain = interceptors.length === 0 && compression === undefined ? unaryHttp : undefined;
  return {
    unary(method, signal, timeoutMs, header, message, contextValues) {
      const init = { signal, timeoutMs, header, contextValues, message };
      const get = httpGet && method.idempotency === Level.NO_SIDE_EFFECTS;
      try {
        const prepared = prepare(method);
        return plain === undefined || get
          ? keepProgress(signal, (own) => callUnary(options, prepared, method, { ...init, signal: own }))
          : callPlain(plain, options, prepared, method, init);
      } catch (error) {
        // What cannot be sent.
        return Promise.reject(error);
      }
    },
    stream: (method, signal, timeoutMs, header, messages, contextValues) =>
      callStream(options, prepare(method), method, { signal, timeoutMs, header, contextValues, messages }),
  };
}

/** How a caller wants one call made. */
export interface CallInit {
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number | undefined;
  readonly header: HeadersInit | undefined;
  readonly contextValues: Parameters<Transport["unary"]>[5];
}
