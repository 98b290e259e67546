import type { Scenario } from "./scenario.ts";
import { answers } from "./scenarios/answers.ts";
import { deaths } from "./scenarios/deaths.ts";
import { load } from "./scenarios/load.ts";
import { network } from "./scenarios/network.ts";

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
export const scenarios: readonly Scenario[] = [...deaths, ...answers, ...network, ...load].sort(
  (a, b) => numberOf(a) - numberOf(b),
);

/** What else can happen, and where it is shown. */
export const elsewhere: readonly Elsewhere[] = [
  { id: "F9", title: "The registry is down for 20 s", tests: ["test/processes/consul.test.ts"] },
  { id: "F11", title: "The registry's index goes backwards, is 0, is missing, or comes at once", tests: ["test/registry/consul/anomalies.test.ts"] },
  {
    id: "F12",
    title: "The leader of three registry servers is killed",
    tests: [],
    missing: "the tests have one Consul server; what a client does without a leader is in `test/registry/consul/anomalies.test.ts`",
  },
  { id: "F13", title: "The registry's agent comes back empty", tests: ["test/registry/consul/recovery.test.ts", "test/processes/consul.test.ts"] },
  { id: "F14", title: "The registry's agent limits connections", tests: [], missing: "nothing limits them in the tests" },
  { id: "F15", title: "A token is wrong and then right", tests: ["test/registry/consul/acl.test.ts"] },
  { id: "F16", title: "Certificates expire or are replaced", tests: [], missing: "a server cannot be given new ones yet" },
  { id: "F17", title: "A rolling restart under load", tests: ["test/processes/consul.test.ts"] },
  { id: "F18", title: "The same without a drain delay", tests: ["test/processes/consul.test.ts"] },
  { id: "F19", title: "A connection is ended while streams are opened", tests: ["test/protocol/reset.test.ts"], missing: "F20 shows that no call fails; that none is carried out twice is not shown" },
  { id: "F24", title: "A deadline goes along from A to B to C", tests: ["test/client/propagation.test.ts"] },
  { id: "F26", title: "A slow reader of a stream", tests: ["test/channel/broken.test.ts"], missing: "the memory of the server is not measured" },
  { id: "F29", title: "Bombs: headers, messages, compression", tests: ["test/server/bad-input.test.ts"] },
  { id: "F30", title: "Connections that send slowly, or nothing", tests: ["test/server/first-bytes.test.ts", "test/server/bad-connections.test.ts"] },
  { id: "F33", title: "The wall clock jumps by an hour", tests: [], missing: "it would need to set the clock of the machine" },
  { id: "F35", title: "Keys of tokens cannot be had, or change", tests: [], missing: "there is no authentication by tokens yet" },
  { id: "F36", title: "DNS flaps", tests: [], missing: "there is no registry of DNS yet" },
  { id: "F37", title: "Old and new contracts meet", tests: ["test/codec/protobuf.test.ts"] },
  { id: "F38", title: "A second signal while draining", tests: ["test/demo.test.ts"] },
  { id: "F39", title: "A zone fails in part", tests: ["test/simulation/goals.test.ts"], missing: "simulated, not with processes" },
];

function numberOf({ id }: Scenario): number {
  return Number(/\d+/.exec(id)?.[0] ?? 0);
}
