import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, connect } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { Code } from "@connectrpc/connect";
import { describe, expect, onTestFinished, test } from "vitest";
import { GreetService } from "../../gen/greet/v1/greet_pb.ts";
import { createMesh, grpcWeb, json, progressOf, protobuf, staticRegistry } from "../../src/index.ts";
import type { MeshOptions, Peer } from "../../src/index.ts";
import { until } from "../../src/testing/until.ts";
import { startMesh } from "../support/mesh.ts";
import { all, failure } from "../support/outcome.ts";
import { nothingUnhandled } from "../support/unhandled.ts";

nothingUnhandled();

const httpVersion = "1.1";

/** Addresses of one listener, each an instance of its own. */
function addressesOf(scheme: "http" | "https", port: number): readonly string[] {
  return [1, 2, 3, 4].map((at) => `${scheme}://127.0.0.${at}:${port}`);
}

/** A process that listens and accepts nothing: its queue is full, so that further connections get no answer. */
async function fullQueue(): Promise<readonly string[]> {
  const wait = "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)";
  const script = `const s = require("node:net").createServer().listen({ port: 0, host: "0.0.0.0", backlog: 1 }, () => {
    require("node:fs").writeSync(1, s.address().port + "\\n"); ${wait}; });`;
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const port = Number(String(line));
  const sockets: Socket[] = [];
  let seen = 0;
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    child.kill("SIGKILL");
  });
  // Until one more is not let in.
  await until(
    () => {
      const letIn = sockets.filter((socket) => !socket.connecting).length;
      const full = letIn < sockets.length && letIn === seen;
      seen = letIn;
      if (!full) sockets.push(connect(port, "127.0.0.1").on("error", () => {}));
      return full;
    },
    { intervalMs: 100, what: "a full queue" },
  );
  return addressesOf("http", port);
}

/** A port where TCP accepts, and nobody ever answers the TLS handshake. */
async function noHandshake(): Promise<{ readonly addresses: readonly string[]; readonly sockets: readonly Socket[] }> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket.on("error", () => {}).resume());
  }).listen(0, "0.0.0.0");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { addresses: addressesOf("https", (server.address() as AddressInfo).port), sockets };
}

function clientOf(addresses: readonly string[], channel = protobuf({ httpVersion }), options: MeshOptions = {}) {
  const mesh = createMesh({
    registry: staticRegistry({ greeter: addresses }),
    channels: [channel],
    // In the order of the list.
    balancer: (peers) => (_call) => {
      const at = ({ instance }: Peer): number => addresses.indexOf(instance.channels[channel.name] ?? "");
      return peers.toSorted((one, other) => at(one) - at(other))[0];
    },
    connectTimeoutMs: 200,
    ...options,
  });
  onTestFinished(() => mesh.close());
  return mesh.client(GreetService, { channel: channel.name });
}

describe("instances that give no connection", () => {
  const silent: ReadonlyArray<readonly [string, () => Promise<readonly string[]>]> = [
    ["accept nothing", fullQueue],
    ["never shake hands", async () => (await noHandshake()).addresses],
  ];
  const channels = [protobuf({ httpVersion }), json({ httpVersion }), grpcWeb({ httpVersion })];
  const cases = silent.flatMap(([how, start]) => channels.map((channel) => [how, channel.name, start, channel] as const));

  test.each(cases)("because they %s are left for another one within the time that connecting may take, over %s", async (_how, _name, start, channel) => {
    const host = await startMesh();
    onTestFinished(() => host.mesh.close());
    const addresses = [...(await start()), host.address];
    // Four times 200 ms; undici's own clock would make four times a second of it.
    const timeoutMs = 3_000;
    for (const fastPath of [true, false]) {
      const greet = clientOf(addresses, channel, { fastPath });
      expect((await greet.greet({ name: "Ada" }, { timeoutMs })).message).toBe("hello Ada");
    }
    const greet = clientOf(addresses, channel);
    expect(await all(greet.greetMany({ count: 2 }, { timeoutMs }))).toHaveLength(2);
  });

  test.each(silent)("because they %s fail calls as never sent, and say what to do", async (_how, start) => {
    const greet = clientOf(await start(), undefined, { waitForReady: false });
    for (const error of [await failure(greet.greet({})), await failure(all(greet.greetMany({})))]) {
      expect([error.code, progressOf(error)]).toEqual([Code.Unavailable, "unsent"]);
      expect(error.rawMessage).toMatch(/^cannot connect to http.*: no connection within 200 ms; see whether .*connectTimeoutMs$/);
    }
  });

  test("have their sockets taken back", async () => {
    const { addresses, sockets } = await noHandshake();
    const greet = clientOf(addresses, undefined, { waitForReady: false });
    await failure(greet.greet({}));
    const [...dialed] = sockets;
    expect(dialed.length).toBeGreaterThanOrEqual(4);
    await until(() => dialed.every(({ destroyed }) => destroyed), { what: "the end of the sockets" });
  });
});
