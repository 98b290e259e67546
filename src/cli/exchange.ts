import type { DescMethod, Message } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Transport } from "@connectrpc/connect";

/** One call, whatever its kind. */
export interface Exchange {
  readonly transport: Transport;
  readonly method: DescMethod;
  readonly header: Headers;
  /** In milliseconds; undefined for that of the contract or the mesh. */
  readonly timeoutMs: number | undefined;
  readonly signal: AbortSignal;
  /** What is sent: exactly one, unless the method takes a stream. */
  readonly requests: AsyncIterable<Message>;
  readonly onHeader: (header: Headers) => void;
  readonly onMessage: (message: Message) => void;
  readonly onTrailer: (trailer: Headers) => void;
}

/** Whether a method takes a stream of messages. */
export function takesStream({ methodKind }: DescMethod): boolean {
  return methodKind === "client_streaming" || methodKind === "bidi_streaming";
}

/** Whether a method answers with a stream of messages. */
export function givesStream({ methodKind }: DescMethod): boolean {
  return methodKind === "server_streaming" || methodKind === "bidi_streaming";
}

/** Makes the call, and resolves when it has ended well. */
export async function exchange(call: Exchange): Promise<void> {
  const { transport, method, header, timeoutMs, signal, requests } = call;
  if (method.methodKind === "unary") {
    for await (const request of requests) {
      const unary = method as DescMethod & { methodKind: "unary" };
      const answer = await transport.unary(unary, signal, timeoutMs, header, request);
      call.onHeader(answer.header);
      call.onMessage(answer.message);
      call.onTrailer(answer.trailer);
    }
    return;
  }
  const stream = method as DescMethod & { methodKind: "bidi_streaming" };
  const answer = await transport.stream(stream, signal, timeoutMs, header, requests as never);
  call.onHeader(answer.header);
  let count = 0;
  for await (const message of answer.message) {
    count++;
    call.onMessage(message);
  }
  call.onTrailer(answer.trailer);
  if (givesStream(method) || count === 1) return;
  throw new ConnectError(`the server sent ${count} answers instead of one`, Code.Unimplemented);
}
