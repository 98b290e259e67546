/**
 * Reads an iterable one value ahead of its reader, as a wire does: what the
 * other side does after it has given a value does not wait until that value's
 * reader comes back for the next.
 */
export function readAhead<T>(from: AsyncIterable<T>): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]() {
      const source = from[Symbol.asyncIterator]();
      let ahead = quiet(source.next());
      return {
        next() {
          const taken = ahead;
          ahead = quiet(taken.then((result) => (result.done === true ? result : source.next())));
          return taken;
        },
        return(value?: unknown) {
          return source.return?.(value) ?? Promise.resolve({ done: true as const, value });
        },
        throw(error?: unknown) {
          return source.throw?.(error) ?? Promise.reject(error);
        },
      };
    },
  };
}

/** A value that was read ahead may never be asked for; then its failure is nobody's concern. */
function quiet<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
