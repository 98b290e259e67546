import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

/** Each a program of its own, so that one's types do not slow another's code down. */
const parts: readonly (readonly [title: string, script: string, quick: readonly string[]])[] = [
  ["Codecs: encode and decode", "codec.ts", ["0.3"]],
  ["Router: look-up among REST rules", "router.ts", ["5"]],
  ["A call within the process", "local.ts", ["5"]],
  ["Balancers: a pick", "pick.ts", ["5"]],
];

/** Runs what measures one piece of code each. Returns the exit code: 0 when all ran. */
export function micro(quick: boolean): number {
  let code = 0;
  for (const [title, script, args] of parts) {
    const path = join(import.meta.dirname, script);
    console.log(`\n## ${title}\n`);
    if (!existsSync(path)) {
      console.log(`*** ${script} is not there: NOT MEASURED`);
      continue;
    }
    const { status } = spawnSync(process.execPath, [path, ...(quick ? args : [])], { stdio: "inherit" });
    if (status !== 0) code = status ?? 1;
  }
  return code;
}
