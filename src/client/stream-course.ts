import { Code, ConnectError } from "@connectrpc/connect";

/** How far an answer that is a stream has come. */
export interface Course {
  /** Resolves with the first message or the end: to the error when there was no message before it. Never rejects. */
  readonly first: Promise<ConnectError | undefined>;
  /** Resolves when the call is over: to its error, or undefined when it ended well. Never rejects. */
  readonly over: Promise<ConnectError | undefined>;
}

/** The messages of an answer, and how far they have come. */
export interface Followed<T> extends Course {
  readonly messages: AsyncIterable<T>;
}

/**
 * Follows the messages of a transport's answer to their end, which is when the
 * call's signal aborts: it always does. The first message is read ahead. What
 * comes last is read once more after the end: Connect's transports see only then
 * that the call is over, and the timer of its deadline would run on.
 *
 * @param signal aborts when the call is over: with an error of Connect's when
 * that is how it ended
 * @param cancelled whether the caller has ended the call
 */
export function follow<T>(messages: AsyncIterable<T>, signal: AbortSignal, cancelled: () => boolean): Followed<T> {
  const reader = messages[Symbol.asyncIterator]();
  let ahead: Promise<IteratorResult<T>> | undefined = reader.next();
  const first = ahead.then(() => undefined, (error: unknown) => ConnectError.from(error));
  const over = new Promise<ConnectError | undefined>((resolve) => {
    const ended = (): void => {
      reader.next().catch(() => {
        // The call has ended; how it did is known.
      });
      const reason: unknown = signal.reason;
      const failed = reason instanceof ConnectError || cancelled();
      resolve(failed ? ConnectError.from(reason, Code.Canceled) : undefined);
    };
    if (signal.aborted) ended();
    else signal.addEventListener("abort", ended, { once: true });
  });
  const iterator: AsyncIterator<T> = {
    next() {
      if (ahead === undefined) return reader.next();
      const next = ahead;
      ahead = undefined;
      return next;
    },
  };
  return { messages: { [Symbol.asyncIterator]: () => iterator }, first, over };
}
