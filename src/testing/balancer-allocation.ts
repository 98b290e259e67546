import { GCProfiler } from "node:v8";

/** Rounds of which the median counts. */
const rounds = 9;

/**
 * Times to measure anew at most. Code that V8 has not yet optimised puts every
 * number that it computes on the heap, and on a busy machine the compiler's own
 * thread may be late.
 */
const attempts = 25;

/**
 * Bytes that one run of a function allocates on the heap, on average, once its
 * code is optimised: the median of several rounds, so that what else happens on
 * the heap has no part. What was collected meanwhile is counted as well. It is
 * measured anew while it is more than enough, and the least is the answer.
 *
 * @param repeat runs in one round; many, since a round costs some bytes itself
 * @param enoughBytes bytes that need no second look
 */
export function allocatedBytes(run: () => void, repeat: number, enoughBytes = 1): number {
  for (let turn = 0; turn < repeat; turn++) run();
  let least = Infinity;
  for (let attempt = 0; attempt < attempts && least > enoughBytes; attempt++) {
    least = Math.min(least, medianOfRounds(run, repeat));
  }
  return least;
}

function medianOfRounds(run: () => void, repeat: number): number {
  const bytes = Array.from({ length: rounds }, () => bytesOfRound(run, repeat));
  return bytes.toSorted((a, b) => a - b)[rounds >> 1] ?? 0;
}

function bytesOfRound(run: () => void, repeat: number): number {
  const profiler = new GCProfiler();
  profiler.start();
  let before = process.memoryUsage().heapUsed;
  for (let turn = 0; turn < repeat; turn++) run();
  const after = process.memoryUsage().heapUsed;
  let allocated = 0;
  for (const { beforeGC, afterGC } of profiler.stop()?.statistics ?? []) {
    allocated += beforeGC.heapStatistics.usedHeapSize - before;
    before = afterGC.heapStatistics.usedHeapSize;
  }
  return (allocated + after - before) / repeat;
}
