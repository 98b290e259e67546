import { Code, ConnectError } from "@connectrpc/connect";
import type { Transport } from "@connectrpc/connect";
import type { Channel, PeerTransport } from "../../src/channel/channel.ts";
import { protobuf } from "../../src/channel/protobuf.ts";
import { Offer } from "../../src/testing/channel-offer.ts";
import { plain } from "./suite.ts";

/** A good channel, with what breaks each of its transports. */
export function broken(breakIt: (good: PeerTransport) => Partial<PeerTransport>): Channel {
  const good = plain(protobuf());
  return {
    name: good.name,
    connect: (instance, options) => {
      const transport = good.connect(instance, options);
      return { ...transport, ...breakIt(transport) };
    },
  };
}

type Unary = Parameters<Transport["unary"]>;
type Stream = Parameters<Transport["stream"]>;
type Answer = Awaited<ReturnType<Transport["unary"]>> | Awaited<ReturnType<Transport["stream"]>>;

/** What a caller wants of a call, besides its messages. */
interface Wishes {
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number | undefined;
  readonly header: HeadersInit | undefined;
}

/** Changes what a caller wants. */
export function asking(change: (wishes: Wishes) => Partial<Wishes>): Channel {
  const changed = <T extends Unary | Stream>(args: T): T => {
    const [method, signal, timeoutMs, header, message, values] = args;
    const wishes = { signal, timeoutMs, header };
    const wanted = { ...wishes, ...change(wishes) };
    return [method, wanted.signal, wanted.timeoutMs, wanted.header, message, values] as unknown as T;
  };
  return broken((good) => ({
    unary: (...args: Unary) => good.unary(...changed(args)),
    stream: (...args: Stream) => good.stream(...changed(args)),
  }) as Partial<PeerTransport>);
}

/** Changes what is answered, before its messages. */
export function answering(change: (answer: Answer) => Partial<Answer>): Channel {
  return broken((good) => ({
    unary: async (...args: Unary) => {
      const answer = await good.unary(...args);
      return { ...answer, ...change(answer) };
    },
    stream: async (...args: Stream) => {
      const answer = await good.stream(...args);
      return { ...answer, ...change(answer) };
    },
  }) as Partial<PeerTransport>);
}

/** Changes the messages of answers that are streams. */
export function reading(change: <T>(messages: AsyncIterable<T>) => AsyncIterable<T>): Channel {
  return broken((good) => ({
    stream: async (...args: Stream) => {
      const answer = await good.stream(...args);
      return { ...answer, message: change(answer.message) };
    },
  }) as Partial<PeerTransport>);
}

/** Changes the messages of requests that are streams. */
export function writing(change: <T>(messages: AsyncIterable<T>) => AsyncIterable<T>): Channel {
  return broken((good) => ({
    stream: (method, signal, timeoutMs, header, input, values) =>
      good.stream(method, signal, timeoutMs, header, change(input), values),
  }));
}

/** Changes the errors of calls, before and after messages. */
export function failing(change: (error: ConnectError) => ConnectError): Channel {
  const rethrow = (error: unknown): never => {
    throw change(ConnectError.from(error));
  };
  async function* rethrown<T>(messages: AsyncIterable<T>): AsyncIterable<T> {
    try {
      yield* messages;
    } catch (error) {
      rethrow(error);
    }
  }
  return broken((good) => ({
    unary: (...args: Unary) => good.unary(...args).catch(rethrow),
    stream: async (...args: Stream) => {
      const answer = await good.stream(...args).catch(rethrow);
      return { ...answer, message: rethrown(answer.message) };
    },
  }) as Partial<PeerTransport>);
}

/** All messages, once there are no more. */
export async function* collected<T>(messages: AsyncIterable<T>): AsyncIterable<T> {
  yield* await Array.fromAsync(messages);
}

/** All messages, read as fast as they come. */
export function readAhead<T>(messages: AsyncIterable<T>): AsyncIterable<T> {
  const read = new Offer<T>();
  void (async () => {
    try {
      for await (const message of messages) read.push(message);
      read.end();
    } catch (error) {
      read.fail(error);
    }
  })();
  return read;
}

/** The messages before an error, which is nobody's business. */
export async function* withoutError<T>(messages: AsyncIterable<T>): AsyncIterable<T> {
  try {
    yield* messages;
  } catch {
    // Gone.
  }
}

/** Refuses streams in both directions with this message. */
export function refusing(message: string): Channel {
  return broken((good) => ({
    stream: (...args: Stream) =>
      args[0].methodKind === "bidi_streaming"
        ? Promise.reject(new ConnectError(message, Code.Unimplemented))
        : good.stream(...args),
  }) as Partial<PeerTransport>);
}
