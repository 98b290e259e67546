// Measures what a pick costs: time and bytes allocated, for each balancer and number of peers.
//
//   node bench/pick.ts [--json] [turns, default 15]
//
// The lanes take turns of a few milliseconds each, so that whatever else the
// machine does hits all of them; each time is the median of its turns, and the
// ratio is to `first` over as many peers, which is the cost of the loop.
import { GreetService } from "../gen/greet/v1/greet_pb.ts";
import type { Balancer, CallInfo, Peer, Picker } from "../src/balancer/balancer.ts";
import { first } from "../src/balancer/first.ts";
import { leastRequest } from "../src/balancer/least-request.ts";
import { peakEwma } from "../src/balancer/peak-ewma.ts";
import { ringHash } from "../src/balancer/ring-hash.ts";
import { roundRobin } from "../src/balancer/round-robin.ts";
import { weighted } from "../src/balancer/weighted.ts";
import { ClientPeer } from "../src/client/peer.ts";
import { instance } from "../src/contract/instance.ts";
import { allocatedBytes } from "../src/testing/balancer-allocation.ts";

const turns = Number(process.argv.find((argument) => /^\d+$/.test(argument)) ?? 15);
const method = GreetService.method.greet;
const plain: CallInfo = { method };
const keys = Array.from({ length: 1_024 }, (_, at) => ({ method, hashKey: `customer-${at * 7_919}` }));

/** One balancer over one number of peers. */
interface Lane {
  readonly balancer: string;
  readonly peers: number;
  readonly pick: Picker;
  readonly calls: readonly CallInfo[];
  readonly buildMs: number;
  readonly nanos: number[];
}

/** Peers as a client has them, in the middle of its work. */
function peersOf(count: number, uneven: boolean): readonly Peer[] {
  return Array.from({ length: count }, (_, at) => {
    const of = instance({
      id: `greeter-${at}`,
      component: "greeter",
      services: [],
      channels: { protobuf: `http://10.0.${at >> 8}.${at & 255}:8080` },
      weight: uneven ? 5 + (at % 10) : 10,
      zone: `zone-${at % 3}`,
    });
    const peer = new ClientPeer(of, "protobuf", () => ({
      unary: () => Promise.reject(new Error("not reached")),
      stream: () => Promise.reject(new Error("not reached")),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }));
    const nowMs = performance.now();
    for (let call = 0; call < at % 4; call++) peer.begin();
    peer.latency.observe(1 + (at % 17), nowMs);
    return peer;
  });
}

function lane(name: string, balancer: Balancer, count: number, uneven = false): Lane {
  const peers = peersOf(count, uneven);
  const start = performance.now();
  const pick = balancer(peers);
  const buildMs = performance.now() - start;
  const calls = name.startsWith("ringHash") ? keys : [plain];
  return { balancer: name, peers: count, pick, calls, buildMs, nanos: [] };
}

let picked: unknown;

/** Nanoseconds of one pick, on average over one turn. */
function run({ pick, calls }: Lane, repeat: number): number {
  const start = process.hrtime.bigint();
  for (let at = 0; at < repeat; at++) picked = pick(calls[at & (calls.length - 1)] ?? plain);
  return Number(process.hrtime.bigint() - start) / repeat;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

const lanes = [3, 100, 10_000].flatMap((count) => [
  lane("first", first(), count),
  lane("roundRobin", roundRobin(), count),
  lane("weighted", weighted(), count, true),
  lane("leastRequest", leastRequest(), count),
  lane("peakEwma", peakEwma(), count),
  lane("peakEwma, weights", peakEwma(), count, true),
  lane("peakEwma, zone", peakEwma({ zone: "zone-0" }), count),
  lane("ringHash", ringHash(), count),
]);
for (const one of lanes) run(one, 200_000);
for (let turn = 0; turn < turns; turn++) for (const one of lanes) one.nanos.push(run(one, 50_000));
const report = lanes.map((one) => {
  const nanos = median(one.nanos);
  const base = median(lanes.find((other) => other.balancer === "first" && other.peers === one.peers)?.nanos ?? []);
  return {
    balancer: one.balancer,
    peers: one.peers,
    nanos: Math.round(nanos),
    ratio: Math.round(nanos / base),
    bytes: Math.round(allocatedBytes(() => (picked = one.pick(one.calls[0] ?? plain)), 20_000)),
    buildMs: Number(one.buildMs.toFixed(1)),
  };
});

/** The same for what a call costs its peer. */
const [peer] = peersOf(1, false);
if (peer instanceof ClientPeer) {
  const nanos: number[] = [];
  for (let turn = 0; turn < turns + 5; turn++) {
    const start = process.hrtime.bigint();
    for (let at = 0; at < 50_000; at++) {
      peer.begin();
      peer.end(at, at + 0.5, "answered");
    }
    nanos.push(Number(process.hrtime.bigint() - start) / 50_000);
  }
  console.error(`begin and end: ${Math.round(median(nanos))} ns`);
}
if (process.argv.includes("--json")) console.log(JSON.stringify(report, undefined, 2));
else console.table(report);
if (picked === undefined) process.exitCode = 1;
