#!/usr/bin/env node
// The command `mesh`. What is about the process is here; all else is in run.ts.
import { run } from "./run.ts";

/** As a shell says it: 128 and the signal's number. */
const signals = { SIGINT: 130, SIGTERM: 143, SIGPIPE: 141 } as const;

const stop = new AbortController();
let ended: number | undefined;

function end(signal: keyof typeof signals): void {
  // Twice: whoever asks does not want to wait for anything.
  if (ended !== undefined && signal !== "SIGPIPE") process.exit(signals[signal]);
  ended ??= signals[signal];
  stop.abort(new Error(`ended by ${signal}`));
}

process.on("SIGINT", end);
process.on("SIGTERM", end);
for (const stream of [process.stdout, process.stderr]) {
  // Node has no SIGPIPE: whoever read the output, such as `head`, has gone.
  stream.on("error", () => {
    end("SIGPIPE");
  });
}

// What is waited for with an unreferenced timer must not let the process end.
const alive = setInterval(() => {}, 60_000);
void run(process.argv.slice(2), {
  env: process.env,
  stdin: () => process.stdin,
  out: (text) => {
    process.stdout.write(text);
  },
  err: (text) => {
    process.stderr.write(text);
  },
  signal: stop.signal,
}).then((code) => {
  clearInterval(alive);
  // Not exit(): what was written last may not have left yet.
  process.exitCode = ended ?? code;
});
