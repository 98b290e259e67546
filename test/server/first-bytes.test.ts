import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { firstBytes } from "../../src/server/first-bytes.ts";
import { until, within } from "../../src/testing/until.ts";
import { RawTcp } from "../support/raw-tcp.ts";

const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

interface Decision {
  readonly socket: Socket;
  readonly isHttp2: boolean;
}

let decisions: Decision[] = [];
let port = 0;

/** Time for the first bytes, in milliseconds. */
let timeoutMs = 200;

const server = createServer({ allowHalfOpen: true }, (socket) => {
  socket.on("error", () => {});
  firstBytes(socket, timeoutMs, (isHttp2) => {
    decisions.push({ socket, isHttp2 });
  });
});

beforeAll(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  ({ port } = server.address() as AddressInfo);
});

afterAll(() => {
  server.close();
});

/** What the next reader of a connection gets. */
async function rest(socket: Socket): Promise<string> {
  let text = "";
  for await (const chunk of socket) text += String(chunk);
  return text;
}

/** The last decision, once there is one. */
async function decision(): Promise<Decision> {
  await until(() => decisions.length > 0);
  return decisions.pop() as Decision;
}

describe("the first bytes of a connection", () => {
  test.each([
    ["the preface", `${preface}frames`, true],
    ["a request of HTTP/1.1", "GET / HTTP/1.1\r\n\r\n", false],
    ["a request that begins like the preface", "PRI * HTTP/1.1\r\n\r\n", false],
    ["one byte that is not in the preface", "X", false],
    ["a preface that goes wrong at its end", `${preface.slice(0, -1)}X`, false],
  ])("decide and are all given back: %s", async (_what, bytes, isHttp2) => {
    using tcp = new RawTcp(port);
    tcp.send(bytes).socket.end();
    const decided = await decision();
    expect([decided.isHttp2, await rest(decided.socket)]).toEqual([isHttp2, bytes]);
    decided.socket.destroy();
  });

  test("may arrive one by one", async () => {
    using tcp = new RawTcp(port);
    tcp.socket.setNoDelay();
    for (const byte of `${preface}frames`) {
      tcp.send(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
    tcp.socket.end();
    const decided = await decision();
    expect([decided.isHttp2, await rest(decided.socket)]).toEqual([true, `${preface}frames`]);
    decided.socket.destroy();
  });

  test.each(["", "P", preface.slice(0, -1)])("that do not come in time close it, undecided: %j", async (bytes) => {
    decisions = [];
    using tcp = new RawTcp(port);
    tcp.send(bytes);
    await within(() => tcp.closed, { what: "the end of the connection" });
    expect(decisions).toEqual([]);
  });

  test("that will never come do not hold a connection", async () => {
    timeoutMs = 60_000;
    using tcp = new RawTcp(port);
    tcp.send("PR").socket.end();
    await within(() => tcp.closed, { what: "the end of the connection" });
    timeoutMs = 200;
  });

  test("that decided end the time limit", async () => {
    using tcp = new RawTcp(port);
    tcp.send("GET");
    const { socket } = await decision();
    const ended = once(socket, "close");
    // Longer than the limit: a connection that was closed by it would show.
    const late = new Promise((resolve) => setTimeout(resolve, 400, "still open"));
    expect(await Promise.race([ended, late])).toBe("still open");
    socket.destroy();
  });
});
