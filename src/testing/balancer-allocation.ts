import { GCProfiler } from "node:v8";

/** Rounds of which the median counts. */
const rounds = 9;

/**
 * Bytes that one run of a function allocates on the heap, on average: the
 * median of several rounds, so that what else happens on the heap has no part.
 * What was collected meanwhile is counted as well.
 *
 * @param repeat runs in one round; many, since a round costs some bytes itself
 */
export function allocatedBytes(run: () => void, repeat: number): number {
  for (let turn = 0; turn < repeat; turn++) run();
  const bytes: number[] = [];
  for (let round = 0; round < rounds; round++) {
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
    bytes.push((allocated + after - before) / repeat);
  }
  return bytes.toSorted((a, b) => a - b)[rounds >> 1] ?? 0;
}
