import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { until } from "../../src/testing/until.ts";
import { ToxicProxy } from "./toxic-proxy.ts";

let echo: Server;
let proxy: ToxicProxy;
let socket: Socket;
let received: Buffer;

beforeEach(async () => {
  echo = createServer({ allowHalfOpen: true }, (peer) => {
    peer.on("error", () => {});
    peer.pipe(peer);
  });
  echo.listen(0, "127.0.0.1");
  await once(echo, "listening");
  proxy = await ToxicProxy.start((echo.address() as AddressInfo).port);
  socket = connect(Number(new URL(proxy.address).port), "127.0.0.1");
  received = Buffer.alloc(0);
  socket.on("error", () => {});
  const own = socket;
  socket.on("data", (chunk: Buffer) => {
    if (own === socket) received = Buffer.concat([received, chunk]);
  });
  await once(socket, "connect");
});

afterEach(async () => {
  socket.destroy();
  await proxy[Symbol.asyncDispose]();
  echo.close();
});

/** Sends something and waits for its echo. Resolves to how long it took. */
async function echoed(bytes: Buffer): Promise<number> {
  const [before, startedMs] = [received.length, performance.now()];
  socket.write(bytes);
  await until(() => received.length - before === bytes.length, { what: "the echo" });
  return performance.now() - startedMs;
}

describe("the toxic proxy", () => {
  test("passes everything as it is, in order", async () => {
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, at) => at % 251));
    await echoed(bytes);
    expect(received.equals(bytes)).toBe(true);
    expect(proxy.connections).toBe(1);
  });

  test("delays in both directions", async () => {
    proxy.toxics = { latencyMs: 60 };
    expect(await echoed(Buffer.from("late"))).toBeGreaterThan(115);
  });

  test("is as narrow as it is told", async () => {
    proxy.toxics = { bytesPerSecond: 10_000 };
    expect(await echoed(Buffer.alloc(1_000))).toBeGreaterThan(190);
  });

  test("flips a bit of what it corrupts", async () => {
    proxy.toxics = { corrupt: 1 };
    await echoed(Buffer.from([0, 0, 0, 0]));
    expect([...received].filter((byte) => byte !== 0).length).toBeGreaterThan(0);
  });

  test("swallows what a black hole swallows, and keeps the connection", async () => {
    proxy.toxics = { blackHole: "both" };
    socket.write("lost");
    await until(() => proxy.swallowed === 4);
    proxy.toxics = {};
    await echoed(Buffer.from("found"));
    expect(received.toString()).toBe("found");
    expect(socket.closed).toBe(false);
  });

  test("resets, and refuses new connections", async () => {
    await echoed(Buffer.from("open"));
    proxy.toxics = { refuse: true };
    proxy.reset();
    await until(() => socket.closed);
    const again = connect(Number(new URL(proxy.address).port), "127.0.0.1");
    again.on("error", () => {});
    await until(() => again.closed);
    expect(proxy.connections).toBe(0);
    expect(proxy.connectedMs).toHaveLength(2);
  });

  test("half closes", async () => {
    await echoed(Buffer.from("open"));
    proxy.halfClose();
    await until(() => socket.readableEnded);
    expect(received.toString()).toBe("open");
  });
});
