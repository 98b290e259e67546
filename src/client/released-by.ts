import type { ConnectError } from "@connectrpc/connect";

/**
 * The messages of a transport's answer, with its errors as the caller reads
 * them. They are also read once after the signal has aborted: Connect's
 * transports see only then that the call has ended, and the timer of its
 * deadline would run on, and with it the process.
 *
 * @param failure what is made of an error of a message
 */
export function releasedBy<T>(
  messages: AsyncIterable<T>,
  signal: AbortSignal,
  failure: (error: unknown) => ConnectError,
): AsyncIterable<T> {
  let reader: AsyncIterator<T> | undefined;
  const read = (): AsyncIterator<T> => (reader ??= messages[Symbol.asyncIterator]());
  const release = (): void => {
    read()
      .next()
      .catch(() => {
        // The call has ended; how it did is known.
      });
  };
  if (signal.aborted) release();
  else signal.addEventListener("abort", release, { once: true });
  const fail = (error: unknown): never => {
    throw failure(error);
  };
  // As Connect's own there is nothing but `next`.
  const iterator: AsyncIterator<T> = { next: () => read().next().catch(fail) };
  return { [Symbol.asyncIterator]: () => iterator };
}
