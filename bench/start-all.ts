import { availableParallelism } from "node:os";
import { aspyxKeys, startAspyx } from "./aspyx.ts";
import { startRunner } from "./runner.ts";
import type { Runner } from "./runner.ts";

/** Memory of a contender's two processes, in megabytes: an estimate for the warning. */
const memoryOfEach = 250;

/** Starts contenders, a few at a time. Those that cannot start are told, and left out. */
export async function startAll(
  keys: readonly string[],
  aspyxCalls: number,
  fail: (key: string, error: unknown) => void,
): Promise<readonly Runner[]> {
  warnOfMemory(keys.length);
  process.stderr.write(`starting ${keys.length} contenders\n`);
  const runners: Runner[] = [];
  const left = keys.filter((key) => !aspyxKeys.includes(key));
  const next = async (): Promise<void> => {
    for (let key = left.shift(); key !== undefined; key = left.shift()) {
      try {
        runners.push(await startRunner(key));
      } catch (error) {
        fail(key, error);
      }
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, next));
  const others = keys.filter((key) => aspyxKeys.includes(key));
  try {
    if (others.length > 0) runners.push(...(await startAspyx(others, aspyxCalls)));
  } catch (error) {
    for (const key of others) fail(key, error);
  }
  return runners.sort((a, b) => keys.indexOf(a.key) - keys.indexOf(b.key));
}

function warnOfMemory(contenders: number): void {
  const needed = contenders * memoryOfEach;
  const there = process.availableMemory() / 2 ** 20;
  if (there >= needed) return;
  process.stderr.write(
    `*** ${contenders} contenders at once may need ${needed} MB and ${Math.round(there)} are free; ` +
      "figures of a machine that swaps are worth nothing: take fewer with --only\n",
  );
}
