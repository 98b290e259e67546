import type { MethodImplSpec } from "@connectrpc/connect";
import {
  assertByteStreamRequest,
  pipe,
  transformCatchFinally,
  transformCompressEnvelope,
  transformDecompressEnvelope,
  transformInvokeImplementation,
  transformJoinEnvelopes,
  transformParseEnvelope,
  transformPrepend,
  transformSerializeEnvelope,
  transformSplitEnvelope,
  untilFirst,
  uResponseMethodNotAllowed,
  uResponseUnsupportedMediaType,
} from "@connectrpc/connect/protocol";
import type { EnvelopedMessage, UniversalHandlerFn } from "@connectrpc/connect/protocol";
import {
  createEndStreamSerialization,
  endStreamFlag,
  headerStreamAcceptEncoding,
  headerStreamEncoding,
} from "@connectrpc/connect/protocol-connect";
import { compressMinBytes } from "../compression.ts";
import { wireError } from "../wire-error.ts";
import { codecOf, streamType } from "./content-type.ts";
import { beginCall } from "./server-call.ts";
import type { CodecLookup, ConnectServerOptions } from "./server-call.ts";

const endStream = createEndStreamSerialization(undefined);

/** Handles a streaming method of the Connect protocol, in whichever directions it streams. */
export function streamHandler(
  spec: MethodImplSpec,
  codecs: CodecLookup,
  options: ConnectServerOptions,
): UniversalHandlerFn {
  return async (req) => {
    assertByteStreamRequest(req);
    const found = codecs((all) => codecOf(all, req.header.get("content-type"), streamType));
    if (found === undefined) return uResponseUnsupportedMediaType;
    if (req.method !== "POST") return uResponseMethodNotAllowed;
    const { context, compression, refusal } = beginCall(
      spec,
      req,
      streamType(found.codec),
      { requested: req.header.get(headerStreamEncoding), acceptHeader: headerStreamAcceptEncoding },
      options,
    );
    if (compression.response !== null) {
      context.responseHeader.set(headerStreamEncoding, compression.response.name);
    }
    // Requests and answers are two pipelines, so that an answer that cannot be
    // written does not look like a request that cannot be read.
    const requests = pipe(
      req.body,
      transformPrepend<Uint8Array>(() => {
        if (refusal !== undefined) throw refusal;
        return undefined;
      }),
      transformSplitEnvelope(options.readMaxBytes),
      transformDecompressEnvelope(compression.request, options.readMaxBytes),
      transformParseEnvelope(found.input, endStreamFlag),
    );
    const invoke = transformInvokeImplementation(spec, context, [...options.interceptors]);
    const answers = gated(() => invoke(requests), async () => options.requestGate?.(context));
    const body = pipe(
      endsWith(answers, (reason) => {
        context.abort(reason);
      }),
      transformSerializeEnvelope(found.output),
      transformCatchFinally<EnvelopedMessage>((thrown) => {
        context.abort(thrown);
        const metadata = context.responseTrailer;
        const end = thrown === undefined ? { metadata } : { metadata, error: wireError(thrown) };
        return { flags: endStreamFlag, data: endStream.serialize(end) };
      }),
      transformCompressEnvelope(compression.response, compressMinBytes),
      transformJoinEnvelopes(),
      { propagateDownStreamError: true },
    );
    // Implementations may set headers until their first message.
    return { status: 200, body: await untilFirst(body), header: context.responseHeader };
  };
}

/** The answers of an implementation that runs only once its gate has let the call through. */
function gated<T>(answers: () => AsyncIterable<T>, gate: () => Promise<void>): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]() {
      let source: AsyncIterator<T> | undefined;
      return {
        async next() {
          if (source === undefined) {
            await gate();
            source = answers()[Symbol.asyncIterator]();
          }
          return source.next();
        },
        return: (value?: unknown) =>
          source?.return?.(value) ?? Promise.resolve({ done: true as const, value }),
        throw: (error?: unknown) => source?.throw?.(error) ?? Promise.reject(error),
      };
    },
  };
}

/** The same messages; tells when whoever reads them stops early, and why. */
function endsWith<T>(messages: AsyncIterable<T>, ended: (reason?: unknown) => void): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]() {
      const source = messages[Symbol.asyncIterator]();
      return {
        next: () => source.next(),
        return(value?: unknown) {
          ended();
          return source.return?.(value) ?? Promise.resolve({ done: true as const, value });
        },
        throw(error?: unknown) {
          ended(error);
          return source.throw?.(error) ?? Promise.reject(error);
        },
      };
    },
  };
}
