import { Latest } from "../../async/latest.ts";
import type { Instance } from "../../contract/instance.ts";
import { fingerprint, select, type Snapshot, type Target } from "../registry.ts";
import type { Reading } from "./follow.ts";
import type { Questions } from "./questions.ts";
import { watchAll } from "./watch-all.ts";

/** Yields the snapshots of a target, each different from the one before. */
export async function* watch(
  target: Target,
  questions: Questions,
  signal: AbortSignal,
): AsyncGenerator<Snapshot, void, undefined> {
  if (signal.aborted) return;
  const latest = new Latest<Snapshot>();
  const tell = (reading: Reading<readonly Instance[]>): void => {
    latest.set({ ...select(target, reading.value ?? []), problem: reading.problem });
  };
  const stop =
    target.component === undefined
      ? watchAll(target.service, questions, tell)
      : questions.instances(target.component, tell);
  // A reader that has aborted may never come back for the end.
  signal.addEventListener("abort", stop, { once: true });
  try {
    let last: string | undefined;
    for await (const snapshot of latest.read(signal)) {
      const now = fingerprint(snapshot);
      if (now === last) continue;
      last = now;
      yield snapshot;
    }
  } finally {
    signal.removeEventListener("abort", stop);
    stop();
  }
}
