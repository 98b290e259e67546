import { once } from "node:events";
import { createServer } from "node:http2";
import type { Http2Server, ServerHttp2Session, ServerHttp2Stream, Settings } from "node:http2";
import { createServer as createTcp } from "node:net";
import type { AddressInfo } from "node:net";
import { Code } from "@connectrpc/connect";
import { describe, expect, onTestFinished, test } from "vitest";
import { http2Client } from "../../src/protocol/http2-client.ts";
import { Http2Connection, requestHeaders } from "../../src/protocol/http2-connection.ts";
import type { Http2ConnectionOptions } from "../../src/protocol/http2-connection.ts";
import { progressOf } from "../../src/protocol/progress.ts";
import { until } from "../../src/testing/until.ts";
import { all, failure } from "../support/outcome.ts";
import { TcpProxy } from "../support/tcp-proxy.ts";
import { nothingUnhandled } from "../support/unhandled.ts";

nothingUnhandled();

/** A server whose streams wait until they are answered. */
class Server {
  readonly sessions: ServerHttp2Session[] = [];
  readonly streams: ServerHttp2Stream[] = [];
  pings = 0;
  readonly #server: Http2Server;

  constructor(settings: Settings) {
    this.#server = createServer({ settings });
    this.#server.on("session", (session) => {
      session.on("error", () => {});
      session.on("ping", () => this.pings++);
      this.sessions.push(session);
    });
    this.#server.on("stream", (stream) => {
      stream.on("error", () => {});
      this.streams.push(stream);
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get address(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async listen(): Promise<this> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    onTestFinished(() => {
      for (const session of this.sessions) session.destroy();
      this.#server.close();
    });
    return this;
  }

  answer(): void {
    for (const stream of this.streams.splice(0)) {
      if (stream.destroyed) continue;
      stream.respond({ ":status": 200 });
      stream.end("{}");
    }
  }

  /** Open streams of each session, most first. */
  get spread(): readonly number[] {
    const counts = this.sessions.map((of) => this.streams.filter(({ session }) => session === of).length);
    return counts.sort((a, b) => b - a);
  }
}

function connected(address: string, options: Partial<Http2ConnectionOptions> = {}) {
  const lost: unknown[] = [];
  const cut = new AbortController();
  const connection = new Http2Connection(address, {
    connectTimeoutMs: 5_000,
    onLost: (error) => lost.push(error),
    cut: cut.signal,
    ...options,
  });
  const send = http2Client(connection);
  const call = async (): Promise<void> => {
    const { body } = await send({ url: `${connection.origin}/`, method: "POST", header: new Headers() });
    await all(body);
  };
  onTestFinished(async () => {
    cut.abort();
    await connection.close();
  });
  return { connection, call, lost };
}

/** The calls that a test makes and waits for later: none fails unnoticed. */
function many(count: number, call: () => Promise<unknown>): Promise<unknown[]> {
  return Promise.all(Array.from({ length: count }, call));
}

describe("sessions", () => {
  test("are as many as it takes for all streams, up to the cap; then requests wait", async () => {
    const server = await new Server({ maxConcurrentStreams: 5 }).listen();
    const { call } = connected(server.address, { maxSessions: 3 });
    const calls = many(20, call);
    await until(() => server.streams.length === 15, { what: "all streams that may be open" });
    expect(server.spread).toEqual([5, 5, 5]);
    const timer = setInterval(() => { server.answer(); }, 5);
    await calls;
    clearInterval(timer);
    expect(server.sessions).toHaveLength(3);
  });

  test("are one while its streams suffice", async () => {
    const server = await new Server({ maxConcurrentStreams: 20 }).listen();
    const { call } = connected(server.address);
    const calls = many(20, call);
    await until(() => server.streams.length === 20);
    server.answer();
    await calls;
    expect(server.sessions).toHaveLength(1);
  });

  test("are one where only one is wanted", async () => {
    const server = await new Server({ maxConcurrentStreams: 5 }).listen();
    const { call } = connected(server.address, { maxSessions: 1 });
    const calls = many(12, call);
    await until(() => server.streams.length === 5);
    const timer = setInterval(() => { server.answer(); }, 5);
    await calls;
    clearInterval(timer);
    expect(server.sessions).toHaveLength(1);
  });

  test("get each request where the fewest are", async () => {
    const server = await new Server({ maxConcurrentStreams: 4 }).listen();
    const { call } = connected(server.address, { maxSessions: 2 });
    const first = many(5, call);
    await until(() => server.streams.length === 5);
    expect(server.spread).toEqual([4, 1]);
    const second = many(2, call);
    await until(() => server.streams.length === 7);
    expect(server.spread).toEqual([4, 3]);
    server.answer();
    await Promise.all([first, second]);
  });

  test("that cannot be made do not fail requests, nor lose the peer", async () => {
    const server = await new Server({ maxConcurrentStreams: 2 }).listen();
    const proxy = await TcpProxy.to(server.port);
    onTestFinished(() => proxy[Symbol.asyncDispose]());
    const { connection, call, lost } = connected(proxy.address);
    await connection.ready();
    proxy.refusing = true;
    const calls = many(6, call);
    await until(() => server.streams.length === 2);
    const timer = setInterval(() => { server.answer(); }, 5);
    await calls;
    clearInterval(timer);
    expect(lost).toEqual([]);
    expect(proxy.accepted).toBeGreaterThan(1);
  });

  test("lose the peer with the last of them, once", async () => {
    const server = await new Server({ maxConcurrentStreams: 2 }).listen();
    const { call, lost } = connected(server.address);
    const calls = many(4, call).catch(() => "failed");
    await until(() => server.streams.length === 4);
    server.sessions[0]?.goaway();
    const later = failure(call());
    await until(() => server.streams.length === 5);
    expect(lost).toEqual([]);
    expect(server.streams[4]?.session).not.toBe(server.sessions[0]);
    for (const session of server.sessions) session.destroy();
    await until(() => lost.length > 0);
    expect([await calls, progressOf(await later)]).toEqual(["failed", "sent"]);
    const again = call();
    await until(() => server.streams.length === 6);
    server.answer();
    await again;
    expect(lost).toHaveLength(1);
  });

  test("without calls close after a time, without losing the peer, and the next call connects again", async () => {
    const server = await new Server({}).listen();
    const { call, lost } = connected(server.address, { idleTimeoutMs: 100 });
    const first = call();
    await until(() => server.streams.length === 1);
    // A call that runs is no idle time, however long it takes.
    await new Promise((resolve) => setTimeout(resolve, 300));
    server.answer();
    await first;
    await until(() => server.sessions[0]?.destroyed === true, { what: "the end of the session" });
    const second = call();
    await until(() => server.streams.length === 1);
    server.answer();
    await second;
    expect([server.sessions.length, lost]).toEqual([2, []]);
  });

  test("that could not be made many times are not tried again at once: calls are told so, and a probe waits", async () => {
    const server = await new Server({}).listen();
    const proxy = await TcpProxy.to(server.port);
    onTestFinished(() => proxy[Symbol.asyncDispose]());
    proxy.refusing = true;
    const { connection, call, lost } = connected(proxy.address);
    const first = await failure(connection.ready());
    let told = first;
    const refusedAtOnce = async (): Promise<boolean> => {
      const { accepted } = proxy;
      told = await failure(call());
      return proxy.accepted === accepted;
    };
    await until(refusedAtOnce, { what: "a call that does not connect" });
    expect([told.rawMessage, told.code, progressOf(told)]).toEqual([first.rawMessage, Code.Unavailable, "unsent"]);
    const attempts = proxy.accepted;
    expect([attempts >= 4, lost.length]).toEqual([true, attempts]);
    proxy.refusing = false;
    await connection.ready();
    expect(proxy.accepted).toBe(attempts + 1);
    const answered = call();
    await until(() => server.streams.length === 1);
    server.answer();
    await answered;
  });

  test("that a server ends as soon as they are made fail a request as never sent", async () => {
    const server = createServer();
    server.on("session", (session) => {
      session.on("error", () => {});
      session.goaway();
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => { server.close(); });
    const { call } = connected(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const error = await failure(call());
    expect([error.code, ["unsent", "refused", "sent"].includes(String(progressOf(error)))]).toEqual([Code.Unavailable, true]);
  });
});

test("a listener that does not speak HTTP/2 is given up in time, as never sent to, with what to do", async () => {
  const silent = createTcp((socket) => socket.on("error", () => {})).listen(0, "127.0.0.1");
  await once(silent, "listening");
  onTestFinished(() => { silent.close(); });
  const { call, lost } = connected(`http://127.0.0.1:${(silent.address() as AddressInfo).port}`, { connectTimeoutMs: 200 });
  const error = await failure(call());
  expect([error.code, progressOf(error), lost.length]).toEqual([Code.Unavailable, "unsent", 1]);
  expect(error.rawMessage).toMatch(/^cannot connect to http.*: no HTTP\/2 settings within 200 ms; see whether .*httpVersion "1.1".*connectTimeoutMs$/);
});

describe("keepalive", () => {
  const keepalive = { intervalMs: 100, timeoutMs: 200 };

  async function behindProxy(options: Partial<Http2ConnectionOptions>) {
    const server = await new Server({}).listen();
    const proxy = await TcpProxy.to(server.port);
    onTestFinished(() => proxy[Symbol.asyncDispose]());
    return { server, proxy, ...connected(proxy.address, options) };
  }

  test("fails calls as sent, and loses the peer, when the other side has vanished", async () => {
    const { server, proxy, call, lost } = await behindProxy({ keepalive });
    const running = failure(call());
    await until(() => server.streams.length === 1);
    proxy.vanish();
    const error = await running;
    expect([error.code, progressOf(error)]).toEqual([Code.Unavailable, "sent"]);
    expect(error.message).toMatch(/did not answer a keepalive PING within 200 ms/);
    await until(() => lost.length === 1);
  });

  test("is what notices that: without it the call waits", async () => {
    const { server, proxy, call, lost } = await behindProxy({});
    const running = call().catch(() => "cut");
    await until(() => server.streams.length === 1);
    proxy.vanish();
    const first = await Promise.race([running, new Promise((resolve) => setTimeout(resolve, 1_500, "waits"))]);
    expect([first, lost]).toEqual(["waits", []]);
  });

  test("leaves a slow answer alone, as long as the other side is there", async () => {
    const { server, call, lost } = await behindProxy({ keepalive });
    const running = call();
    await until(() => server.pings >= 5, { what: "five PINGs" });
    server.answer();
    await running;
    expect(lost).toEqual([]);
  });

  test("asks only while calls run", async () => {
    const { server, call } = await behindProxy({ keepalive });
    const running = call();
    await until(() => server.pings >= 1);
    server.answer();
    await running;
    await new Promise((resolve) => setTimeout(resolve, 250));
    const { pings } = server;
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(server.pings - pings).toBeLessThanOrEqual(1);
  });

  test("asks without calls when told so", async () => {
    const { server, proxy, connection, lost } = await behindProxy({ keepalive: { ...keepalive, withoutCalls: true } });
    await connection.ready();
    await until(() => server.pings >= 3);
    proxy.vanish();
    await until(() => lost.length === 1);
  });

  test("asks half as often after a server said that it is too often", async () => {
    const { server, call, connection, lost } = await behindProxy({ keepalive: { intervalMs: 400, timeoutMs: 5_000, withoutCalls: true } });
    await connection.ready();
    server.sessions[0]?.goaway(11, 0, Buffer.from("too_many_pings"));
    await until(() => lost.length === 1);
    const begunMs = performance.now();
    const running = call();
    await until(() => server.streams.length === 1 && server.pings === 1, { what: "a PING of the second session" });
    expect(performance.now() - begunMs).toBeGreaterThan(700);
    server.answer();
    await running;
  });

  test("out of doubt asks at once although it is off and no call runs, and loses the peer when nobody answers", async () => {
    const { proxy, connection, lost } = await behindProxy({ keepalive: { timeoutMs: 200 } });
    await connection.ready();
    proxy.vanish();
    connection.doubt();
    await until(() => lost.length === 1, { what: "the loss of the peer" });
    expect(String(lost[0])).toMatch(/did not answer a keepalive PING within 200 ms/);
  });

  test("out of doubt asks only once in a while, and leaves a connection alone that is well", async () => {
    const { server, call, connection, lost } = await behindProxy({ keepalive: { timeoutMs: 100 } });
    connection.doubt();
    await connection.ready();
    for (let client = 0; client < 5; client++) {
      connection.doubt();
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect([server.pings, server.sessions.length, lost]).toEqual([1, 1, []]);
    const running = call();
    await until(() => server.streams.length === 1);
    server.answer();
    await running;
  });

  test("and requests of a session that died a moment ago throw nothing", async () => {
    const { server, call, connection, lost } = await behindProxy({ keepalive: { ...keepalive, withoutCalls: true } });
    for (let round = 0; round < 20; round++) {
      await connection.ready();
      const session = server.sessions.at(-1);
      const calls = many(3, () => call().catch((error: unknown) => progressOf(error)));
      session?.destroy();
      expect(["unsent", "refused", "sent"]).toEqual(expect.arrayContaining(await calls));
      try {
        connection.free()?.request(requestHeaders("GET", "/")).on("error", () => {});
      } catch (error) {
        expect(progressOf(error)).toBe("unsent");
      }
    }
    expect(lost.length).toBeGreaterThan(0);
  });
});
