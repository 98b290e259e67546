/** The messages of a streaming call, which can be offered to several attempts until one takes any. */
export interface Replay<T> {
  /** Whether a message was taken; then no other attempt can be made. */
  readonly started: () => boolean;
  /** The messages, for one attempt. */
  readonly offer: () => AsyncIterable<T>;
}

/** Makes a {@link Replay} of a caller's messages. */
export function replay<T>(messages: AsyncIterable<T>): Replay<T> {
  let source: AsyncIterator<T> | undefined;
  let started = false;
  return {
    started: () => started,
    offer: () => ({
      [Symbol.asyncIterator]: () => ({
        next() {
          started = true;
          source ??= messages[Symbol.asyncIterator]();
          return source.next();
        },
        // An attempt that took nothing must not end the caller's messages.
        return(value?: unknown) {
          return (started && source?.return?.(value)) || Promise.resolve({ done: true as const, value });
        },
        throw(error?: unknown) {
          return (started && source?.throw?.(error)) || Promise.reject(error);
        },
      }),
    }),
  };
}

/** Messages whose first one was looked at. */
export interface Peeked<T> {
  /** Undefined when there is none. */
  readonly first: T | undefined;
  /** All of them, once. */
  readonly messages: AsyncIterable<T>;
}

/** Takes the first of a caller's messages without losing it. */
export async function peek<T>(messages: AsyncIterable<T>): Promise<Peeked<T>> {
  const source = messages[Symbol.asyncIterator]();
  const first = await source.next();
  let seen = false;
  return {
    first: first.done === true ? undefined : first.value,
    messages: {
      [Symbol.asyncIterator]: () => ({
        next() {
          if (seen) return source.next();
          seen = true;
          return Promise.resolve(first);
        },
        return: (value?: unknown) => source.return?.(value) ?? Promise.resolve({ done: true as const, value }),
      }),
    },
  };
}
