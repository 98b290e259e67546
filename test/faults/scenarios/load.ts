import { once } from "node:events";
import { connect as connectTcp } from "node:net";
import type { Socket } from "node:net";
import { performance } from "node:perf_hooks";
import { until } from "../../../src/testing/until.ts";
import { RawHttp2 } from "../../support/raw-http2.ts";
import type { Scenario } from "../scenario.ts";
import { lasting } from "../stage.ts";
import { StreamReader } from "../stream-reader.ts";
import { Traffic } from "../traffic.ts";

const askPath = "/testing.v1.ChannelTestService/Ask";

/** More than a server can take, or than it should. */
export const load: readonly Scenario[] = [
  {
    id: "F21",
    title: "50 calls at once over a connection of 5 streams",
    expected: "all are answered, 5 at a time; those whose deadline is over meanwhile fail then and not later",
    control: "the server refuses more than 5 instead, and calls are not repeated",
    play: async (stage, feature) => {
      const limits = feature ? { maxConcurrentStreams: 5 } : { maxRunningCalls: 5 };
      const [server] = await stage.fleet(1, { limits, behaviour: { delayMs: 50 } });
      const client = stage.client({ maxSessions: 1, timeoutMs: 10_000 }, feature ? {} : { retry: false });
      await client.look({ text: "first" });
      const all = Array.from({ length: 50 }, (_, at) => client.look({ text: `all ${at}` }));
      const failed = (await Promise.allSettled(all)).filter(({ status }) => status === "rejected").length;
      const startedMs = performance.now();
      const late = Array.from({ length: 50 }, (_, at) => client.look({ text: `late ${at}` }, { timeoutMs: 220 }));
      const ended = await Promise.allSettled(late);
      return {
        failed,
        mostAtOnce: (await server?.seen())?.most ?? 0,
        late: ended.filter(({ status }) => status === "rejected").length,
        slowestMs: performance.now() - startedMs,
      };
    },
    holds: ({ failed, mostAtOnce = 9, late = 0, slowestMs = Infinity }) =>
      failed === 0 && mostAtOnce <= 5 && late > 0 && slowestMs < 600,
  },
  {
    id: "F23",
    title: "Twice the calls that two servers can answer, for 6 s",
    expected: "answers in time ≥ 80 % of what they can answer",
    control: "no limit of running calls",
    play: async (stage, feature) => {
      const queueMs = 14;
      const servers = await stage.fleet(2, {
        behaviour: { queueMs },
        ...(feature ? { concurrency: { maxCalls: 15 } } : {}),
      });
      const traffic = await stage.traffic({ timeoutMs: 500, outlier: false }, {}, 50);
      await traffic.stop();
      // What a server can really answer, timers being late as they are.
      const before = await Promise.all(servers.map((server) => server.seen()));
      const client = stage.client({ timeoutMs: 500, outlier: false });
      const over = new Traffic(async (text) => (await client.look({ text })).text, 280);
      const fromMs = performance.now();
      await lasting(6_000);
      await over.stop();
      const after = await Promise.all(servers.map((server) => server.seen()));
      const attempts = after.reduce((sum, { calls }, at) => sum + calls - (before[at]?.calls ?? 0), 0);
      const capacity = (2 * 6_000) / (queueMs + 1);
      const ok = over.count(fromMs) - over.failed(fromMs);
      return { sent: over.sent, answered: ok, goodput: ok / capacity, carriedOutPerCall: attempts / over.sent };
    },
    holds: ({ goodput = 0 }) => goodput >= 0.8,
  },
  {
    id: "F25",
    title: "A client with 30 running calls dies",
    expected: "all their handlers are told to stop within a second",
    control: "its packets vanish instead, which a server notices only by its keepalive",
    play: async (stage, feature) => {
      const [server] = await stage.fleet(1, { proxied: true, behaviour: { delayMs: 8_000 } });
      const client = stage.client({ timeoutMs: 20_000 }, { retry: false });
      const running = Array.from({ length: 30 }, (_, at) => client.ask({ text: `${at}` }).catch(() => undefined));
      await until(async () => (await server?.seen())?.running === 30, { timeoutMs: 10_000 });
      const [proxy] = stage.proxies;
      if (feature) proxy?.reset();
      else if (proxy !== undefined) proxy.toxics = { blackHole: "both" };
      await lasting(1_000);
      const seen = await server?.seen();
      proxy?.reset();
      if (proxy !== undefined) proxy.toxics = {};
      if (feature) await Promise.all(running);
      return { aborted: seen?.aborted ?? 0, running: seen?.running ?? 0 };
    },
    holds: ({ aborted, running }) => aborted === 30 && running === 0,
  },
  {
    id: "F34",
    title: "kill -9 of a process that reads 50 streams",
    expected: "all their handlers are told to stop within a second",
    control: "it is stopped instead: its connection stays",
    play: async (stage, feature) => {
      const [server] = await stage.fleet(1, { behaviour: { delayMs: 20_000 } });
      const reader = stage.own(new StreamReader(server?.address ?? ""));
      await until(async () => (await server?.seen())?.running === 50, { timeoutMs: 20_000 });
      reader.signal(feature ? "SIGKILL" : "SIGSTOP");
      await lasting(1_000);
      const seen = await server?.seen();
      return { aborted: seen?.aborted ?? 0, running: seen?.running ?? 0 };
    },
    holds: ({ aborted, running }) => aborted === 50 && running === 0,
  },
  {
    id: "F28",
    title: "One peer opens and resets 5000 requests as fast as it can",
    expected: "its connection is ended, no more than 100 handlers run, calls of others are answered",
    control: "no limit of resets, nor of handlers",
    play: async (stage, feature) => {
      const limits = feature ? {} : { maxStreamResets: 1e9, maxConnectionCalls: 1e9, maxRunningCalls: 1e9 };
      const [server] = await stage.fleet(1, { limits, behaviour: { queueMs: 3 } });
      const client = stage.client({ timeoutMs: 20_000 });
      await client.look({ text: "first" });
      using peer = new RawHttp2(server?.address ?? "");
      await once(peer.session, "connect");
      const closed = { at: 0 };
      peer.session.once("close", () => (closed.at = performance.now()));
      let opened = 0;
      for (let batch = 0; batch < 100 && !peer.session.closed; batch++) {
        for (let at = 0; at < 50 && !peer.session.closed; at++) {
          const stream = peer.open(askPath, { "content-type": "application/json", te: "trailers" });
          stream.end("{}");
          opened++;
          // The request leaves first, then its reset.
          setImmediate(() => { stream.close(8); });
        }
        await lasting(5);
      }
      // The calls of such a connection have a last second.
      await lasting(1_500);
      const seen = await server?.seen();
      const answered = await client.look({ text: "other" }).then(
        () => 1,
        () => 0,
      );
      return { opened, ended: closed.at === 0 ? 0 : 1, mostHandlers: seen?.most ?? 0, answered, rssMiB: seen?.rssMiB ?? 0 };
    },
    holds: ({ ended, mostHandlers = Infinity, answered }) => ended === 1 && mostHandlers <= 101 && answered === 1,
  },
  {
    id: "F32",
    title: "A server with 64 file descriptors gets 200 connections",
    expected: "it runs out, lives, and answers when they are gone",
    control: "as many descriptors as usual: it does not run out",
    play: async (stage, feature) => {
      const [server] = await stage.fleet(1, feature ? { descriptors: 64 } : {});
      const sockets: Socket[] = [];
      let refused = 0;
      for (let at = 0; at < 200; at++) {
        const socket = connectTcp(server?.port ?? 0, "127.0.0.1");
        socket.on("error", () => refused++);
        socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        socket.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]));
        sockets.push(socket);
      }
      await lasting(1_500);
      const served = sockets.filter(({ bytesRead }) => bytesRead > 0).length;
      for (const socket of sockets) socket.destroy();
      await lasting(300);
      const client = stage.client({ timeoutMs: 5_000 });
      const answered = await client.look({ text: "after" }).then(
        () => 1,
        () => 0,
      );
      return { served, refused, lives: server?.lives === true ? 1 : 0, answered };
    },
    holds: ({ served = 200, lives, answered }) => served < 64 && lives === 1 && answered === 1,
  },
];
