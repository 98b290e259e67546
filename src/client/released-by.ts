/**
 * The messages of a transport's answer, which are also read once after the
 * signal has aborted. Connect's transports see only then that the call has
 * ended: the timer of its deadline would run on, and with it the process.
 */
export function releasedBy<T>(messages: AsyncIterable<T>, signal: AbortSignal): AsyncIterable<T> {
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
  return { [Symbol.asyncIterator]: read };
}
