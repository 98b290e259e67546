/** The answers of an implementation that runs only once its gate has let the call through. */
export function admitted<T>(answers: () => AsyncIterable<T>, gate: () => Promise<void>): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]() {
      let source: AsyncIterator<T> | undefined;
      const first = async (): Promise<IteratorResult<T>> => {
        await gate();
        source = answers()[Symbol.asyncIterator]();
        return source.next();
      };
      return {
        next: () => (source === undefined ? first() : source.next()),
        return: (value?: unknown) => source?.return?.(value) ?? Promise.resolve({ done: true as const, value }),
        throw: (error?: unknown) => source?.throw?.(error) ?? Promise.reject(error),
      };
    },
  };
}
