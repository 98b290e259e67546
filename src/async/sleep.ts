/** Longest delay that a Node timer can hold, in milliseconds: about 24.8 days. */
export const maxTimerMs = 2_147_483_647;

/**
 * Waits for a time, in milliseconds, or until the signal aborts. Resolves to
 * true when the time passed and to false when the signal aborted; it never
 * rejects, so loops need no try. The timer does not keep the process alive.
 */
export function sleep(ms: number, signal?: AbortSignal): Promise<boolean> {
  if (signal?.aborted === true) return Promise.resolve(false);
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", aborted);
      resolve(true);
    }, Math.min(ms, maxTimerMs));
    timer.unref();
    const aborted = (): void => {
      clearTimeout(timer);
      resolve(false);
    };
    signal?.addEventListener("abort", aborted, { once: true });
  });
}
