import { reasonOf } from "../src/index.ts";
import type { Component, Mesh, Reason } from "../src/index.ts";

/**
 * Runs a mesh as a process of its own: starts it, says so in one line, and
 * closes it on SIGINT or SIGTERM. A second signal ends all waiting.
 *
 * The line is `ready <address> <instance id>`. When the process was started
 * with a channel to its parent, it also stops when the parent is gone.
 *
 * @param hints what to tell the user besides the message, by the error's reason
 */
export async function run(
  mesh: Mesh,
  of: Component,
  hints: Partial<Record<Reason, string>> = {},
): Promise<void> {
  const starting = new AbortController();
  let signals = 0;
  const fail = (error: unknown): void => {
    const reason = reasonOf(error);
    console.error(error instanceof Error ? error.message : error);
    if (reason !== undefined && reason in hints) console.error(hints[reason]);
    process.exitCode = 1;
  };
  const stop = (): void => {
    starting.abort();
    mesh.close(++signals > 1 ? AbortSignal.abort() : undefined).catch(fail);
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  process.on("disconnect", stop);
  process.channel?.unref();

  try {
    await mesh.start(starting.signal);
    if (signals === 0) console.log(`ready ${mesh.address} ${mesh.instanceId(of)}`);
  } catch (error) {
    // Whoever asked for the end does not want to hear that there was no start.
    if (signals === 0) fail(error);
  }
}
