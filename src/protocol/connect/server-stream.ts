import type { Message } from "@bufbuild/protobuf";
import type { MethodImplSpec } from "@connectrpc/connect";
import {
  assertByteStreamRequest,
  uResponseMethodNotAllowed,
  uResponseUnsupportedMediaType,
  untilFirst,
} from "@connectrpc/connect/protocol";
import type { UniversalHandlerFn } from "@connectrpc/connect/protocol";
import {
  createEndStreamSerialization,
  endStreamFlag,
  headerStreamAcceptEncoding,
  headerStreamEncoding,
} from "@connectrpc/connect/protocol-connect";
import { compressMinBytes } from "../compression.ts";
import { admitted } from "../stream/admitted.ts";
import { invokeStream } from "../stream/invoke.ts";
import { readMessages } from "../stream/read-messages.ts";
import { writeMessages } from "../stream/write-messages.ts";
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
    const requests = readMessages<Message>(req.body, {
      parse: (bytes) => found.input.parse(bytes),
      compression: compression.request ?? undefined,
      maxBytes: options.readMaxBytes,
      // A caller's stream ends with its body; what looks like an answer's end is passed over.
      endFlag: endStreamFlag,
    });
    const answers = admitted(
      () => invokeStream(spec, context, requests, options.interceptors),
      async () => {
        await options.requestGate?.(context);
        if (refusal !== undefined) throw refusal;
      },
    );
    const body = writeMessages(answers, {
      serialize: (message) => found.output.serialize(message),
      compression: compression.response ?? undefined,
      compressMinBytes,
      end(thrown) {
        context.abort(thrown);
        const metadata = context.responseTrailer;
        const end = thrown === undefined ? { metadata } : { metadata, error: wireError(thrown) };
        return { flags: endStreamFlag, data: endStream.serialize(end) };
      },
      left(reason) {
        context.abort(reason);
      },
    });
    // Implementations may set headers until their first message.
    return { status: 200, body: await untilFirst(body), header: context.responseHeader };
  };
}
