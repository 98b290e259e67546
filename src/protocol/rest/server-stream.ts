import type { Message } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { HandlerContext } from "@connectrpc/connect";
import { mergeNonProtocolHeaders, transformInvokeImplementation } from "@connectrpc/connect/protocol";
import type { UniversalHandlerFn } from "@connectrpc/connect/protocol";
import type { HostedMethod } from "../hosted.ts";
import { wireError } from "../wire-error.ts";
import { answerWriter, finish } from "./answer.ts";
import type { AnswerWriter } from "./answer.ts";
import { admit, beginCall } from "./call.ts";
import type { RestCall } from "./call.ts";
import { formatFor, sse } from "./format.ts";
import type { RestServerOptions } from "./options.ts";
import { requestReader } from "./request.ts";
import type { RequestReader } from "./request.ts";
import type { RestBinding } from "./rule.ts";

/** Handles a binding of a method that streams in one direction. */
export function streamHandler(
  hosted: HostedMethod,
  binding: RestBinding,
  options: RestServerOptions,
): UniversalHandlerFn {
  const { spec, interceptors } = hosted;
  const reader = requestReader(binding, options);
  const writer = answerWriter(binding, options);
  return async (req) => {
    const call = beginCall(hosted, req);
    const { context } = call;
    let answers: AsyncIterator<Message> | undefined;
    try {
      await admit(hosted, context);
      const messages = spec.kind === "client_streaming" ? reader.stream(call) : single(reader, call);
      const invoke = transformInvokeImplementation(spec, context, [...interceptors]);
      answers = invoke(messages)[Symbol.asyncIterator]();
      // An error before the first message is an HTTP status; after it, it is too late for one.
      const first = await answers.next();
      if (spec.kind === "client_streaming") {
        if (first.done === true) throw new ConnectError("the method gave no answer", Code.Internal);
        // Whoever answers last may still set trailers.
        await answers.next();
        const body = writer.body(first.value, context.responseHeader);
        context.abort();
        return await finish({ status: 200, body }, context);
      }
      const parts = partsOf(writer, context);
      const head = first.done === true ? undefined : parts.message(first.value);
      const body = bodyOf(head, answers, context, parts);
      return { status: 200, header: context.responseHeader, trailer: context.responseTrailer, body };
    } catch (thrown) {
      context.abort(thrown);
      if (answers !== undefined) leave(answers);
      return finish(writer.failure(thrown, context), context);
    }
  };
}

/** The only message of a server stream, read when the implementation is called for. */
async function* single(reader: RequestReader, call: RestCall): AsyncGenerator<Message> {
  yield await reader.read(call);
}

/** How the parts of a stream's body are made. */
interface Parts {
  message(message: Message): Uint8Array;
  /** Undefined when an error can only break the body off. */
  readonly error: ((error: ConnectError) => Uint8Array) | undefined;
}

/** Sets the content type, now that the headers are not sent yet, and says how to write the rest. */
function partsOf(writer: AnswerWriter, { requestHeader, responseHeader }: HandlerContext): Parts {
  if (writer.raw) {
    responseHeader.set("content-type", "application/octet-stream");
    return { message: (message) => writer.body(message, responseHeader), error: undefined };
  }
  const format = formatFor(requestHeader.get("accept"));
  responseHeader.set("content-type", format.contentType);
  if (format === sse && !responseHeader.has("cache-control")) responseHeader.set("cache-control", "no-cache");
  return {
    message: (message) => Buffer.from(format.message(writer.json(message))),
    error: (error) => Buffer.from(format.error(writer.status(error))),
  };
}

/** The body of a server stream whose first part is known. */
async function* bodyOf(
  head: Uint8Array | undefined,
  answers: AsyncIterator<Message>,
  context: RestCall["context"],
  parts: Parts,
): AsyncGenerator<Uint8Array> {
  try {
    if (head === undefined) return;
    yield head;
    for (let next = await answers.next(); next.done !== true; next = await answers.next()) {
      yield parts.message(next.value);
    }
  } catch (thrown) {
    context.abort(thrown);
    if (parts.error === undefined) throw thrown;
    const error = wireError(thrown);
    if (!error.isWireError) mergeNonProtocolHeaders(context.responseTrailer, error.metadata);
    yield parts.error(error);
  } finally {
    context.abort();
    leave(answers);
  }
}

function leave(answers: AsyncIterator<Message>): void {
  answers.return?.().catch(() => {
    // The implementation's own clean-up failed; the call is over.
  });
}
