// A server of a scenario as a process of its own. Options come as JSON in argv[2];
// orders and answers go over the channel to the parent, without which it ends.
import { subscribe } from "node:diagnostics_channel";
import { constants } from "node:http2";
import type { Http2Session, ServerHttp2Stream } from "node:http2";
import { setTimeout as delay } from "node:timers/promises";
import { ConnectError, Code } from "@connectrpc/connect";
import { ChannelTestService } from "../../gen/testing/v1/channel_pb.ts";
import { component, createMesh, implement, memory, serverTls } from "../../src/index.ts";
import { seeded } from "../resilience/virtual.ts";
import type { Behaviour, Order, Report, ServerInit, TlsFiles } from "./behaviour.ts";

const { id, limits, concurrency, network, listen, tls: files, behaviour: first = {} } = JSON.parse(process.argv[2] ?? "{}") as ServerInit;
const random = seeded(1);
const executions = new Map<string, number>();
const seen = { calls: 0, repeated: 0, aborted: 0, abortedAt: 0, running: 0, most: 0 };
let behaviour: Behaviour = first;
let queue = Promise.resolve();
const sessions = new Set<Http2Session>();
subscribe("http2.server.stream.created", (message) => {
  const { session } = (message as { readonly stream: ServerHttp2Stream }).stream;
  if (session === undefined || sessions.has(session)) return;
  sessions.add(session);
  session.once("close", () => sessions.delete(session));
});

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

/** Messages as fast as they can be made, of which none waits for its reader. */
async function* hoard(text: string, number: bigint, data: Uint8Array, signal: AbortSignal) {
  const made: Uint8Array[] = [];
  void (async () => {
    for (let at = 0n; at < number && !signal.aborted; at++) {
      await work(`${text} ${at}`, signal);
      made.push(data.slice());
    }
  })().catch(() => {});
  for (let at = 0n; at < number; at++) {
    while (made.length === 0) await delay(5, undefined, { signal });
    yield { text: id, number: at, data: made.shift() ?? data };
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
        if (behaviour.hoards === true) return yield* hoard(text, number, data, signal);
        for (let at = 0n; at < number; at++) {
          if (at > 0n) await work(`${text} ${at}`, signal);
          yield { text: id, number: at, data };
        }
      },
    }, { partial: true }),
  ],
});
const tls = files === undefined ? undefined : serverTls(files);
const mesh = createMesh({
  registry: memory(),
  components: [server],
  listen: { host: network?.address, ...listen, tls },
  limits,
  concurrency,
  drain: { drainDelayMs: 0 },
});

function tell(report: Report): void {
  process.send?.(report);
}

/** Why the files were not taken; undefined when they were. */
function renew(renewed: TlsFiles): string | undefined {
  try {
    tls?.renew(renewed);
    return undefined;
  } catch (error) {
    return ConnectError.from(error).rawMessage;
  }
}

process.on("message", (order: Order) => {
  if ("ask" in order) {
    const refused = "renew" in order ? renew(order.renew) : undefined;
    tell({ answer: order.ask, seen: { ...seen, rssMiB: process.memoryUsage.rss() / 2 ** 20 }, refused });
  } else if ("end" in order) {
    for (const session of sessions) {
      // With the last stream that was taken: what is on its way is not.
      if (order.end === "goaway") session.close();
      else session.destroy(undefined, constants.NGHTTP2_CANCEL);
    }
  } else if ("behave" in order) {
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
