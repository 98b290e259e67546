import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import type { DescMessage } from "@bufbuild/protobuf";
import * as wkt from "@bufbuild/protobuf/wkt";
import { wireMessages } from "./protobuf-contracts.ts";

const gen = resolve(import.meta.dirname, "../../gen");

/** All message types that there are: those of the contracts, the well-known ones, and those made for tests. */
export async function allTypes(): Promise<readonly DescMessage[]> {
  const modules: unknown[] = [wkt];
  for (const file of readdirSync(gen, { recursive: true, encoding: "utf8" })) {
    if (file.endsWith("_pb.ts")) modules.push(await import(/* @vite-ignore */ join(gen, file)));
  }
  const exported = modules.flatMap((module) => Object.values(module as Record<string, unknown>));
  // protobuf-es changes `Object.prototype.hasOwnProperty` when it reads this one.
  const own = (await wireMessages()).filter(({ typeName }) => typeName !== "wire.three.Named");
  return [...own, ...exported.filter(isMessageType)];
}

function isMessageType(value: unknown): value is DescMessage {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "message";
}
