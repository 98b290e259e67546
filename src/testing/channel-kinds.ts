import type { Client, HandlerContext, CallOptions, ServiceImpl } from "@connectrpc/connect";
import type { ChannelTestService } from "../../gen/testing/v1/channel_pb.ts";

/** The methods of the suite's contract: one of each kind, and a second unary one without side effects. */
export type Kind = "ask" | "look" | "download" | "upload" | "converse";

/** What to call the kinds in the names of cases and in messages. */
export const kindNames: Readonly<Record<Kind, string>> = {
  ask: "a unary call",
  look: "a unary call without side effects",
  download: "a stream from the server",
  upload: "a stream from the client",
  converse: "a stream in both directions",
};

/** What every message of the contract has. */
export interface Content {
  readonly text: string;
  readonly number: bigint;
  readonly data: Uint8Array;
}

/** A message to send; what is left out is empty. */
export type Sent = Partial<Content>;

/**
 * A method of any kind: a unary one gets a stream of one message, and its
 * answer is the last one that the handler yields.
 */
export type Handler = (
  requests: AsyncIterable<Content>,
  context: HandlerContext,
) => AsyncIterable<Sent>;

/** A call of any kind. */
export type Caller = (
  kind: Kind,
  requests: Iterable<Sent> | AsyncIterable<Sent>,
  options?: CallOptions,
) => AsyncIterable<Content>;

/** The service with a handler as each of its methods. */
export function implementation(handler: Handler): ServiceImpl<typeof ChannelTestService> {
  const single = (request: Content, context: HandlerContext): Promise<Sent> =>
    last(handler(streamOf([request]), context));
  return {
    ask: single,
    look: single,
    download: (request, context) => handler(streamOf([request]), context),
    upload: (requests, context) => last(handler(requests, context)),
    converse: handler,
  };
}

/** Calls of any kind by a client. A call begins when its first answer is asked for. */
export function caller(client: Client<typeof ChannelTestService>): Caller {
  return async function* call(kind, sent, options = {}) {
    // Not wrapped, so that it is the caller's own stream that is ended.
    const requests = Symbol.asyncIterator in sent ? sent : streamOf(sent);
    if (kind === "ask") yield client.ask(await first(requests), options);
    else if (kind === "look") yield client.look(await first(requests), options);
    else if (kind === "upload") yield client.upload(requests, options);
    else if (kind === "download") yield* client.download(await first(requests), options);
    else yield* client.converse(requests, options);
  };
}

/** Messages as a stream of requests. */
export async function* streamOf<T>(messages: Iterable<T> | AsyncIterable<T>): AsyncGenerator<T> {
  yield* messages;
}

/** The same messages, whose numbers are taken down. */
export async function* noted(messages: AsyncIterable<Content>, seen: bigint[]): AsyncGenerator<Content> {
  for await (const message of messages) {
    seen.push(message.number);
    yield message;
  }
}

async function first(messages: AsyncIterable<Sent>): Promise<Sent> {
  for await (const message of messages) return message;
  return {};
}

async function last(messages: AsyncIterable<Sent>): Promise<Sent> {
  let answer: Sent = {};
  for await (const message of messages) answer = message;
  return answer;
}
