/** Longest delay that a Node timer can hold, in milliseconds: about 24.8 days. */
export const maxTimerMs = 2_147_483_647;

/**
 * Waits for a time, in milliseconds, or until one of the signals aborts. Resolves
 * to true when the time passed and to false when a signal aborted; it never
 * rejects, so loops need no try. The timer does not keep the process alive.
 */
export function sleep(ms: number, ...signals: ReadonlyArray<AbortSignal | undefined>): Promise<boolean> {
  if (signals.some((signal) => signal?.aborted === true)) return Promise.resolve(false);
  return new Promise((resolve) => {
    const settle = (passed: boolean): void => {
      clearTimeout(timer);
      for (const signal of signals) signal?.removeEventListener("abort", aborted);
      resolve(passed);
    };
    const aborted = (): void => {
      settle(false);
    };
    const timer = setTimeout(() => {
      settle(true);
    }, Math.min(ms, maxTimerMs));
    timer.unref();
    for (const signal of signals) signal?.addEventListener("abort", aborted, { once: true });
  });
}
