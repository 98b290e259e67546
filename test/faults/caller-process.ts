// A client of a scenario as a process of its own, with surroundings of its own. Options
// come as JSON in argv[2]; it calls from its start on. It ends when the channel to its parent does.
import { Code, ConnectError } from "@connectrpc/connect";
import type { Interceptor } from "@connectrpc/connect";
import { ChannelTestService } from "../../gen/testing/v1/channel_pb.ts";
import { chance } from "../../src/balancer/sources.ts";
import { createMesh, peakEwma, staticRegistry, subscribe } from "../../src/index.ts";
import { seeded } from "../resilience/virtual.ts";
import type { CallerInit, CallerOrder, CallerReport } from "./caller.ts";
import { lookups, obey } from "./surroundings.ts";
import { Traffic } from "./traffic.ts";

const { servers, perSecond, hosts = {}, wallClock = false } = JSON.parse(process.argv[2] ?? "{}") as CallerInit;
obey({ hosts });
const timeoutMs = 1_000;

/** Ends calls by the wall clock. */
const deadline: Interceptor = (next) => async (request) => {
  const endsAt = Date.now() + timeoutMs;
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<never>((_resolve, reject) => {
    timer = setInterval(() => {
      if (Date.now() > endsAt) reject(new ConnectError("the deadline is over by the wall clock", Code.DeadlineExceeded));
    }, 5);
  });
  try {
    return await Promise.race([next(request), over]);
  } finally {
    clearInterval(timer);
  }
};

const clock = wallClock ? { now: () => Date.now() } : {};
const mesh = createMesh({
  registry: staticRegistry({
    [ChannelTestService.typeName]: servers.map(({ id, address }) => ({ id, channels: { protobuf: address } })),
  }),
  timeoutMs,
  balancer: peakEwma({ random: chance(seeded(1)), ...clock }),
  outlier: { intervalMs: 500, baseEjectionMs: 2_000 },
  interceptors: wallClock ? [deadline] : [],
});
let [ejected, lost] = [0, 0];
subscribe("peer.ejected", () => ejected++);
subscribe("peer.lost", () => lost++);
const client = mesh.client(ChannelTestService);
const traffic = new Traffic(async (text) => (await client.look({ text })).text, perSecond);

/** What the client expects of the slowest and the quickest server, in milliseconds. */
async function expected(): Promise<readonly [least: number, most: number]> {
  let all: readonly number[] = [];
  const end = subscribe("call.explained", ({ attempts }) => (all = attempts.flatMap(({ candidates }) => candidates.map(({ expectedMs }) => expectedMs))));
  await client.look({ text: "explained" }).catch(() => {});
  end();
  return [Math.min(...all), Math.max(...all)];
}

async function report(ask: number, fromMs: number): Promise<CallerReport> {
  const [leastExpectedMs, mostExpectedMs] = await expected();
  return {
    answer: ask,
    nowMs: performance.now(),
    sent: traffic.count(fromMs),
    failed: traffic.failed(fromMs),
    slowestMs: traffic.slowest(fromMs),
    shares: Object.fromEntries(servers.map(({ id }) => [id, traffic.share(id, fromMs)])),
    messages: traffic.messages(fromMs),
    ejected,
    lost,
    lookups: lookups(),
    leastExpectedMs,
    mostExpectedMs,
  };
}

process.on("message", (order: CallerOrder) => {
  if ("ask" in order) void report(order.ask, order.fromMs).then((answer) => process.send?.(answer));
});
process.once("disconnect", () => process.exit(1));
process.send?.({ ready: true });
