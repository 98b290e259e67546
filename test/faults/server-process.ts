// A server of a scenario as a process of its own. Options come as JSON in argv[2];
// orders and answers go over the channel to the parent, without which it ends.
import { setTimeout as delay } from "node:timers/promises";
import { ConnectError, Code } from "@connectrpc/connect";
import { ChannelTestService } from "../../gen/testing/v1/channel_pb.ts";
import { component, createMesh, implement, memory } from "../../src/index.ts";
import { seeded } from "../resilience/virtual.ts";
import type { Behaviour, Order, Report, ServerInit } from "./behaviour.ts";

const { id, limits, concurrency, network, behaviour: first = {} } = JSON.parse(process.argv[2] ?? "{}") as ServerInit;
const random = seeded(1);
const executions = new Map<string, number>();
const seen = { calls: 0, repeated: 0, aborted: 0, abortedAt: 0, running: 0, most: 0 };
let behaviour: Behaviour = first;
let queue = Promise.resolve();

/** Works until it is done, or until its caller gives up. */
async function work(text: string, signal: AbortSignal): Promise<void> {
  const { delayMs = 5, queueMs = 0, failing = 0, code = Code.Unavailable } = behaviour;
  const before = executions.get(text) ?? 0;
  executions.set(text, before + 1);
  seen.calls++;
  if (before > 0) seen.repeated++;
  if (failing > 0 && random() < failing) throw new ConnectError(`${id} fails as it was told to`, code);
  seen.running++;
  seen.most = Math.max(seen.most, seen.running);
  try {
    if (queueMs > 0) await (queue = queue.then(() => delay(queueMs)));
    else await delay(delayMs, undefined, { signal });
  } catch (error) {
    seen.aborted++;
    seen.abortedAt = Date.now();
    throw error;
  } finally {
    seen.running--;
  }
}

const server = component({
  name: id,
  services: [
    implement(ChannelTestService, {
      look: async ({ text }, { signal }) => {
        await work(text, signal);
        return { text: id };
      },
      ask: async ({ text }, { signal }) => {
        await work(text, signal);
        return { text: id };
      },
      async *download({ text, number, data }, { signal }) {
        for (let at = 0n; at < number; at++) {
          if (at > 0n) await work(`${text} ${at}`, signal);
          yield { text: id, number: at, data };
        }
      },
    }, { partial: true }),
  ],
});
const mesh = createMesh({
  registry: memory(),
  components: [server],
  listen: { host: network?.address },
  limits,
  concurrency,
  drain: { drainDelayMs: 0 },
});

function tell(report: Report): void {
  process.send?.(report);
}

process.on("message", (order: Order) => {
  if ("ask" in order) tell({ answer: order.ask, seen: { ...seen, rssMiB: process.memoryUsage.rss() / 2 ** 20 } });
  else {
    behaviour = order.behave;
    const until = performance.now() + (behaviour.stallMs ?? 0);
    while (performance.now() < until);
  }
});
process.once("disconnect", () => process.exit(1));
process.once("SIGTERM", () => {
  void mesh.close().then(() => process.exit(0));
});
await mesh.start();
tell({ ready: mesh.address ?? "" });
