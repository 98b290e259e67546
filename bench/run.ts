// The benchmark. See bench/README.md.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { compare } from "./compare.ts";
import type { Results } from "./compare.ts";
import { cache, installPeers, root } from "./install.ts";
import { checkMemory } from "./memory.ts";
import { micro } from "./micro.ts";
import { planOf } from "./plan.ts";
import { publish } from "./publish.ts";
import { machineText, planText, tables, verdictTable } from "./report.ts";

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string" },
    messages: { type: "string" },
    "in-flight": { type: "string" },
    passes: { type: "string" },
    rounds: { type: "string" },
    ms: { type: "string" },
    "warm-ms": { type: "string" },
    out: { type: "string", default: cache },
    from: { type: "string" },
    publish: { type: "boolean", default: false },
    docs: { type: "string", default: join(root, "docs") },
    micro: { type: "boolean", default: false },
    memory: { type: "boolean", default: false },
    calls: { type: "string" },
  },
});

async function results(): Promise<Results> {
  if (values.from !== undefined) return JSON.parse(readFileSync(values.from, "utf8")) as Results;
  const keep = (so: Results): void => {
    writeFileSync(join(values.out, "results.json"), JSON.stringify(so, undefined, 1));
  };
  return compare(planOf(values), keep);
}

mkdirSync(values.out, { recursive: true });
installPeers();
if (values.micro) process.exitCode = micro(values.quick);
else if (values.memory) process.exitCode = await checkMemory(values);
else {
  const found = await results();
  const parts = [machineText(found.machine), planText(found), tables(found), "## Goals", verdictTable(found)];
  const text = `${parts.join("\n\n")}\n`;
  writeFileSync(join(values.out, "results.md"), text);
  console.log(text);
  if (values.publish) publish(found, values.docs);
}
