import { setTimeout as delay } from "node:timers/promises";
import type { ConnectionOptions } from "node:tls";
import { Code, ConnectError } from "@connectrpc/connect";
import { until } from "../../../src/testing/until.ts";
import { Authority, lacksOpenssl } from "../certificates.ts";
import type { Scenario } from "../scenario.ts";
import type { Stage } from "../stage.ts";

/** How long the first certificates are good, in milliseconds. */
const goodMs = 5_000;

/** A call over connections of its own: `answered`, or the text of an error that is `unavailable`. */
async function call(stage: Stage, tls: ConnectionOptions): Promise<string> {
  const client = stage.client({ tls, waitForReady: false }, { retry: false });
  try {
    await client.look({ text: "new" });
    return "answered";
  } catch (error) {
    const { code, rawMessage } = ConnectError.from(error);
    return code === Code.Unavailable ? rawMessage : `${Code[code]}: ${rawMessage}`;
  }
}

/** Certificates that end, and authorities that others take the place of. */
export const certificates: readonly Scenario[] = [
  {
    id: "F16",
    title: "The certificates of two servers expire, are renewed by another authority, and the old authority is dropped",
    expected:
      "connections in place go on without a failed call; new ones fail with unavailable that names the expired certificate, until the renewal, without a restart; broken certificates are refused; callers and servers with certificates of the old authority are turned away in the end",
    control: "nothing is renewed",
    lacks: lacksOpenssl,
    play: async (stage, feature) => {
      const [old, next] = [stage.own(await Authority.create("old authority")), stage.own(await Authority.create("next authority"))];
      const both = [old.cert, next.cert];
      const bundle = both.join("");
      const [oldCaller, nextCaller, nextServer] = [await old.issue("old-caller"), await next.issue("next-caller"), await next.issue("next-server")];
      const endMs = Date.now() + goodMs;
      const ending = await old.issue("ending", endMs);
      const servers = await stage.fleet(2, { tls: { ...ending, ca: bundle, requestCert: true } });
      const traffic = await stage.traffic({ tls: { ca: both, ...oldCaller }, outlier: false }, {}, 100);
      const before = (await call(stage, { ca: both, ...oldCaller })) === "answered" ? 1 : 0;
      // A client that cannot connect from here on, and must be able to later on.
      await delay(endMs + 1_500 - Date.now());
      const waiting = stage.client({ tls: { ca: both, ...nextCaller } });
      const expired = await call(stage, { ca: both, ...nextCaller });
      await waiting.look({ text: "waiting" }).catch(() => {});
      let refused = 0;
      if (feature) {
        const broken = [{ cert: nextServer.cert, key: nextCaller.key }, { cert: "none", key: "none" }];
        for (const server of servers) for (const files of broken) if ((await server.renew(files)) !== undefined) refused++;
      }
      const stillExpired = await call(stage, { ca: both, ...nextCaller });
      if (feature) for (const server of servers) await server.renew(nextServer);
      const renewedMs = performance.now();
      const healed = await until(() => waiting.look({ text: "healed" }).then(() => true), { timeoutMs: 5_000 }).catch(() => false);
      const healedAfterMs = performance.now() - renewedMs;
      const after = await call(stage, { ca: both, ...oldCaller });
      if (feature) for (const server of servers) await server.renew({ ca: next.cert });
      const oldCallerNow = await call(stage, { ca: next.cert, ...oldCaller });
      const nextCallerNow = await call(stage, { ca: next.cert, ...nextCaller });
      await traffic.stop();
      const lives = servers.filter((server) => server.lives).length;
      // A server that was forgotten, as a caller sees it that has dropped the old authority.
      stage.show();
      const [forgotten] = await stage.fleet(1, { tls: { ...(await old.issue("forgotten")), ca: bundle, requestCert: true } });
      stage.show(...stage.known().filter(({ id }) => id === forgotten?.id));
      const oldServer = await call(stage, { ca: next.cert, ...nextCaller });
      const oldServerTrusted = await call(stage, { ca: both, ...nextCaller });
      return {
        sent: traffic.sent,
        failedInPlace: traffic.failed(),
        newBefore: before,
        namesExpiry: Number(/certificate has expired/.test(expired)) + Number(/certificate has expired/.test(stillExpired)),
        refusedBroken: refused,
        healed: healed ? 1 : 0,
        healedAfterMs,
        oldCallerInOverlap: after === "answered" ? 1 : 0,
        oldCallerTurnedAway: oldCallerNow === "answered" ? 0 : 1,
        nextCallerLetIn: nextCallerNow === "answered" ? 1 : 0,
        oldServerTurnedAway: /certificate/.test(oldServer) && oldServerTrusted === "answered" ? 1 : 0,
        neverRestarted: lives,
      };
    },
    holds: (counts) =>
      counts["failedInPlace"] === 0 &&
      counts["newBefore"] === 1 &&
      counts["namesExpiry"] === 2 &&
      counts["refusedBroken"] === 4 &&
      counts["healed"] === 1 &&
      counts["oldCallerInOverlap"] === 1 &&
      counts["oldCallerTurnedAway"] === 1 &&
      counts["nextCallerLetIn"] === 1 &&
      counts["oldServerTurnedAway"] === 1 &&
      counts["neverRestarted"] === 2,
  },
];
