import { sleep } from "../../async/sleep.ts";
import type { Settings } from "./options.ts";

/**
 * Asks for the current token; undefined when there is none. A provider that
 * does not answer in time, or at all, must not hold up what is bounded.
 */
export async function currentToken(
  provider: Settings["token"],
  timeoutMs: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  const asked = provider();
  const token = typeof asked === "object" ? await bounded(asked, timeoutMs, signal) : asked;
  // A token that was read from a file often ends in a line break.
  return token?.trim() || undefined;
}

async function bounded(
  asked: Promise<string>,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<string> {
  const done = new AbortController();
  const finish = (): void => {
    done.abort();
  };
  signal.addEventListener("abort", finish, { once: true });
  const late = async (): Promise<never> => {
    await sleep(timeoutMs, done.signal);
    throw new Error(`the token provider gave no token within ${timeoutMs} ms`);
  };
  try {
    if (signal.aborted) finish();
    return await Promise.race([asked, late()]);
  } finally {
    signal.removeEventListener("abort", finish);
    finish();
  }
}
