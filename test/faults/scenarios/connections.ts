import { performance } from "node:perf_hooks";
import { subscribe } from "../../../src/index.ts";
import { until } from "../../../src/testing/until.ts";
import type { Scenario } from "../scenario.ts";
import { lasting } from "../stage.ts";

/** Size of each message of a stream, in bytes. */
const messageBytes = 16 * 1024;

/** Connections that are ended, and streams that nobody reads. */
export const connections: readonly Scenario[] = [
  {
    id: "F19",
    title: "Two servers end all connections by a GOAWAY ten times a second while requests are on their way; method with side effects",
    expected: "no call fails: what a server has taken finishes, what it has not is sent once more by itself; no call is carried out twice",
    control: "connections are cut without a word, and calls are made as ones that may be repeated, so some do run twice",
    play: async (stage, feature) => {
      const servers = await stage.fleet(2, { proxied: true, behaviour: { delayMs: 40 } });
      // So that requests are on their way when a server says that it takes no more.
      for (const proxy of stage.proxies) proxy.toxics = { latencyMs: 10 };
      const refused = new Map<string, number>();
      const end = subscribe("call.retry", ({ why }) => refused.set(why, (refused.get(why) ?? 0) + 1));
      try {
        const client = stage.client();
        const traffic = await stage.flow(
          async (text) => (await (feature ? client.ask({ text }) : client.look({ text }))).text,
          200,
        );
        for (let turn = 0; turn < 40; turn++) {
          await lasting(100);
          for (const server of servers) server.end(feature ? "goaway" : "cut");
        }
        await lasting(200);
        await traffic.stop();
        const seen = await Promise.all(servers.map((server) => server.seen()));
        const executed = seen.reduce((sum, { calls }) => sum + calls, 0);
        return {
          sent: traffic.sent,
          failed: traffic.failed(),
          refusedAndSentAgain: refused.get("refused") ?? 0,
          connections: stage.proxies.reduce((sum, { connectedMs }) => sum + connectedMs.length, 0),
          executed,
          executedMoreThanOnce: executed - traffic.sent,
        };
      } finally {
        end();
      }
    },
    holds: ({ failed, refusedAndSentAgain = 0, executedMoreThanOnce }) =>
      failed === 0 && refusedAndSentAgain >= 10 && executedMoreThanOnce === 0,
  },
  {
    id: "F26",
    title: "Four streams of 16 KiB messages of which a client reads one and then nothing for 10 s",
    expected: "the server makes at most 64 messages of each, its memory grows by no more than 32 MiB, and its other callers are answered",
    control: "a handler that makes messages and keeps them, whether or not they are read",
    play: async (stage, feature) => {
      const [server] = await stage.fleet(1, { behaviour: { delayMs: 1, hoards: !feature } });
      const client = stage.client();
      await client.look({ text: "first" });
      const before = await server?.seen();
      const data = new Uint8Array(messageBytes);
      const streams = Array.from({ length: 4 }, (_, at) => {
        const answers = client.download({ text: `stream ${at}`, number: 3_000n, data }, { timeoutMs: 60_000 });
        return answers[Symbol.asyncIterator]();
      });
      await Promise.all(streams.map((stream) => stream.next()));
      await lasting(1_000);
      const early = await server?.seen();
      const startedMs = performance.now();
      let most = 0;
      let answered = 0;
      while (performance.now() < startedMs + 9_000) {
        await lasting(500);
        most = Math.max(most, (await server?.seen())?.rssMiB ?? 0);
        answered += (await client.look({ text: `other ${answered}` }).then(() => 1, () => 0));
      }
      const late = await server?.seen();
      // Leaving a stream ends its call.
      await Promise.all(streams.map(async (stream) => stream.return?.()));
      await until(async () => (await server?.seen())?.running === 0, { timeoutMs: 10_000 });
      const made = (late?.calls ?? 0) - (before?.calls ?? 0) - answered;
      return {
        messagesMadeOfEach: made / streams.length,
        madeInTheLast9s: (late?.calls ?? 0) - (early?.calls ?? 0) - answered,
        growthMiB: most - (before?.rssMiB ?? 0),
        othersAnswered: answered,
      };
    },
    holds: ({ messagesMadeOfEach = Infinity, growthMiB = Infinity, othersAnswered = 0 }) =>
      messagesMadeOfEach <= 64 && growthMiB <= 32 && othersAnswered >= 15,
  },
];
