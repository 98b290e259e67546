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
