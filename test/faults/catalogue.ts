import type { Scenario } from "./scenario.ts";
import { answers } from "./scenarios/answers.ts";
import { certificates } from "./scenarios/certificates.ts";
import { connections } from "./scenarios/connections.ts";
import { deaths } from "./scenarios/deaths.ts";
import { load } from "./scenarios/load.ts";
import { network } from "./scenarios/network.ts";
import { registry } from "./scenarios/registry.ts";
import { surroundings } from "./scenarios/surroundings.ts";
import { zones } from "./scenarios/zones.ts";

/** A fault that is not played here. */
export interface Elsewhere {
  readonly id: string;
  readonly title: string;
  /** The tests that show it, as paths in the repository; none when nothing does. */
  readonly tests: readonly string[];
  /** Why it is not shown, or what of it is not. */
  readonly missing?: string | undefined;
}

/** All that is played, in order of its number. */
export const scenarios: readonly Scenario[] = [
  ...deaths,
  ...answers,
  ...network,
  ...load,
  ...registry,
  ...certificates,
  ...connections,
  ...surroundings,
  ...zones,
].sort((a, b) => numberOf(a) - numberOf(b));

/** What else can happen, and where it is shown. */
export const elsewhere: readonly Elsewhere[] = [
  { id: "F9", title: "The registry is down for 20 s", tests: ["test/processes/consul.test.ts"] },
  { id: "F11", title: "The registry's index goes backwards, is 0, is missing, or comes at once", tests: ["test/registry/consul/anomalies.test.ts"] },
  { id: "F13", title: "The registry's agent comes back empty", tests: ["test/registry/consul/recovery.test.ts", "test/processes/consul.test.ts"] },
  { id: "F15", title: "A token is wrong and then right", tests: ["test/registry/consul/acl.test.ts"] },
  { id: "F17", title: "A rolling restart under load", tests: ["test/processes/consul.test.ts"] },
  { id: "F18", title: "The same without a drain delay", tests: ["test/processes/consul.test.ts"] },
  { id: "F24", title: "A deadline goes along from A to B to C", tests: ["test/client/propagation.test.ts"] },
  { id: "F29", title: "Bombs: headers, messages, compression", tests: ["test/server/bad-input.test.ts"] },
  { id: "F30", title: "Connections that send slowly, or nothing", tests: ["test/server/first-bytes.test.ts", "test/server/bad-connections.test.ts"] },
  { id: "F35", title: "Keys of tokens cannot be had, or change", tests: [], missing: "there is no authentication by tokens yet, so nothing fetches keys" },
  { id: "F36", title: "DNS flaps", tests: [], missing: "there is no registry yet that asks DNS for a set of instances; what becomes of one host name is F36, host name, where a client that reaches no server looks it up about once a call" },
  { id: "F37", title: "Old and new contracts meet", tests: ["test/codec/protobuf.test.ts"] },
  { id: "F38", title: "A second signal while draining", tests: ["test/demo.test.ts"] },
];

function numberOf({ id }: Scenario): number {
  return Number(/\d+/.exec(id)?.[0] ?? 0);
}
