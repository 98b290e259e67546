import { once } from "node:events";
import { createServer as createHttp } from "node:http";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { createServer as createTcp } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { UniversalClientRequest } from "@connectrpc/connect/protocol";
import { afterEach, describe, expect, test } from "vitest";
import { GreetResponseSchema, GreetService } from "../../gen/greet/v1/greet_pb.ts";
import { createMesh, grpcWeb, json, memory, progressOf, protobuf, staticRegistry } from "../../src/index.ts";
import type { Channel } from "../../src/index.ts";
import { http1Client } from "../../src/protocol/http1-client.ts";
import { Http1Connections } from "../../src/protocol/http1-connections.ts";
import { http1Probe } from "../../src/protocol/http1-probe.ts";
import { until, within } from "../../src/testing/until.ts";
import { startMesh } from "../support/mesh.ts";
import { all, failure, streamOf } from "../support/outcome.ts";

const closing: Array<() => unknown> = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const httpVersion = "1.1";
const channels: ReadonlyArray<readonly [string, Channel]> = [
  ["protobuf", protobuf({ httpVersion })],
  ["json", json({ httpVersion })],
  ["grpc-web", grpcWeb({ httpVersion })],
];

async function listening<S extends Server>(server: S): Promise<{ server: S; address: string; sockets: Socket[] }> {
  const sockets: Socket[] = [];
  server.on("connection", (socket: Socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closing.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { server, address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, sockets };
}

const httpServer = (onRequest: RequestListener) => listening(createHttp(onRequest));

/** A server that speaks for itself: it is given each request's socket once its headers are there. */
const rawServer = (onHead: (socket: Socket, count: number) => void) => {
  let count = 0;
  return listening(
    createTcp((socket) => {
      let head = "";
      socket.setEncoding("latin1").on("data", (text: string) => {
        head += text;
        if (!head.includes("\r\n\r\n")) return;
        head = "";
        onHead(socket, ++count);
      });
    }),
  );
};

function connectionsTo(address: string, connectTimeoutMs = 5_000) {
  const lost: unknown[] = [];
  const cut = new AbortController();
  const connections = new Http1Connections(address, {
    connectTimeoutMs,
    onLost: (error) => lost.push(error),
    cut: cut.signal,
  });
  closing.push(() => {
    cut.abort();
  });
  const client = http1Client(connections);
  const send = (request: Partial<UniversalClientRequest> = {}) =>
    client({ url: `${connections.origin}/path`, method: "POST", header: new Headers(), ...request });
  return { connections, send, lost, cut };
}

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  return Buffer.concat(await all(body)).toString();
}

async function* bytes(...chunks: readonly string[]): AsyncIterable<Uint8Array> {
  for (const chunk of chunks) yield Buffer.from(chunk);
}

/** Undici keeps a connection for the next call from the next turn of the event loop on. */
function idle(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}

async function readAll(req: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of req) text += String(chunk);
  return text;
}

describe.each(channels)("the channel %s over HTTP/1.1", (name, channel) => {
  const pair = async () => {
    const registry = memory();
    const host = await startMesh({ registry });
    closing.push(() => host.mesh.close());
    const guest = createMesh({ registry, channels: [channel] });
    closing.push(() => guest.close());
    return { host, greet: guest.client(GreetService, { channel: name }) };
  };

  test("makes unary calls, and streams in one direction or the other", async () => {
    const { greet } = await pair();
    expect((await greet.greet({ name: "Ada" })).message).toBe("hello Ada");
    const many = await all(greet.greetMany({ name: "x", count: 300 }));
    expect(many.map(({ index }) => index)).toEqual(Array.from({ length: 300 }, (_, at) => at + 1));
    const collected = await greet.collect(streamOf({ name: "a" }, { name: "b" }, { name: "c" }));
    expect(collected).toMatchObject({ message: "hello a, b, c", count: 3 });
    expect((await greet.collect(streamOf())).count).toBe(0);
  });

  test("carries messages of a megabyte both ways", async () => {
    const { greet } = await pair();
    const text = "x".repeat(1_000_000);
    expect((await greet.greet({ name: text })).message).toHaveLength(1_000_006);
  });

  test("says why it cannot stream in both directions", async () => {
    const { greet } = await pair();
    const error = await failure(all(greet.chat(streamOf({ name: "a" }))));
    expect(error.code).toBe(Code.Unimplemented);
    expect(error.rawMessage).toMatch(/GreetService\.Chat streams in both directions.*httpVersion "2"/);
  });

  test("ends at the deadline and when the caller cancels, on both sides", async () => {
    const { host, greet } = await pair();
    const pause = { seconds: 60n, nanos: 0 };
    const late = failure(all(greet.greetMany({ count: 2, pause }, { timeoutMs: 200 })));
    expect((await late).code).toBe(Code.DeadlineExceeded);
    const stop = new AbortController();
    let seen = 0;
    const running = failure(
      (async () => {
        for await (const _ of greet.greetMany({ count: 2, pause }, { signal: stop.signal })) seen++;
      })(),
    );
    await until(() => seen === 1);
    stop.abort();
    expect((await running).code).toBe(Code.Canceled);
    // A handler that still ran would hold this back for its grace of 20 s.
    await within(() => host.mesh.close(), { timeoutMs: 10_000, what: "the end of the handlers" });
  });

  test.each([
    ["a length that is not reached", ["content-length: 500"], false],
    ["chunks without an end", ["transfer-encoding: chunked"], true],
    ["neither a length nor chunks", ["connection: close"], false],
  ])("never takes a cut-off answer for a whole one: %s", async (_, headers, chunked) => {
    const whole = toBinary(GreetResponseSchema, create(GreetResponseSchema, { message: "half" }));
    const bodies: Record<string, Uint8Array> = {
      protobuf: whole,
      json: Buffer.from("{}"),
      "grpc-web": Buffer.concat([Buffer.from([0, 0, 0, 0, whole.length]), whole]),
    };
    const body = bodies[name] ?? whole;
    const type = name === "protobuf" ? "proto" : name === "json" ? "json" : "grpc-web+proto";
    const { address } = await rawServer((socket) => {
      const head = ["HTTP/1.1 200 OK", `content-type: application/${type}`, ...headers].join("\r\n");
      socket.write(`${head}\r\n\r\n`);
      socket.end(chunked ? Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from("\r\n")]) : body);
    });
    const mesh = createMesh({ registry: staticRegistry({ greeter: [address] }), channels: [channel] });
    closing.push(() => mesh.close());
    const error = await failure(mesh.client(GreetService, { channel: name }).greet({}));
    // gRPC-Web says itself where it ends, so there the protocol tells.
    const ofProtocol = name === "grpc-web" && headers[0] === "connection: close";
    expect([error.code, progressOf(error)]).toEqual(
      ofProtocol ? [Code.Unknown, undefined] : [Code.Unavailable, "sent"],
    );
  });
});

describe("an HTTP/1.1 client", () => {
  test("keeps its connection for the next call, also when each call's signal aborts at its end", async () => {
    const { server, address, sockets } = await httpServer((_req, res) => res.end("ok"));
    const { send } = connectionsTo(address);
    for (let at = 0; at < 5; at++) {
      const over = new AbortController();
      const { body } = await send({ signal: over.signal, body: bytes("a", "b") });
      expect(await textOf(body)).toBe("ok");
      over.abort();
      await idle();
    }
    expect(sockets).toHaveLength(1);
    await Promise.all([1, 2, 3].map(async () => textOf((await send()).body)));
    expect(sockets.length).toBeGreaterThan(1);
    expect(server.listening).toBe(true);
  });

  test("keeps its connection through calls of a mesh", async () => {
    const host = await startMesh();
    closing.push(() => host.mesh.close());
    let connections = 0;
    host.mesh.http.server.on("connection", () => connections++);
    const guest = createMesh({
      registry: staticRegistry({ greeter: [host.address] }),
      channels: [protobuf({ httpVersion })],
    });
    closing.push(() => guest.close());
    const greet = guest.client(GreetService);
    for (let at = 0; at < 5; at++) {
      await greet.greet({});
      await idle();
    }
    await all(greet.greetMany({ count: 3 }));
    await idle();
    await greet.collect(streamOf({ name: "a" }));
    expect(connections).toBe(1);
  });

  test("sends the length of a body that is one chunk, and chunks otherwise", async () => {
    const seen: Array<readonly [string | undefined, string | undefined, string]> = [];
    const { address } = await httpServer((req, res) => {
      void readAll(req).then((text) => {
        seen.push([req.headers["content-length"], req.headers["transfer-encoding"], text]);
        res.end();
      });
    });
    const { send } = connectionsTo(address);
    async function* slow() {
      yield Buffer.from("a");
      await new Promise((resolve) => setTimeout(resolve, 20));
      yield Buffer.from("b");
    }
    for (const body of [bytes("whole"), bytes(""), bytes(), bytes("a", "b", "c"), slow()]) {
      await textOf((await send({ body })).body);
    }
    await textOf((await send({ method: "GET" })).body);
    expect(seen).toEqual([
      ["5", undefined, "whole"],
      ["0", undefined, ""],
      ["0", undefined, ""],
      [undefined, "chunked", "abc"],
      [undefined, "chunked", "ab"],
      [undefined, undefined, ""],
    ]);
  });

  test("hands over status, headers and trailers", async () => {
    const { address } = await httpServer((req, res) => {
      res.writeHead(418, { "x-answer": req.headers["x-question"], "set-cookie": ["a=1", "b=2"], trailer: "x-last" });
      res.write("tea");
      res.addTrailers({ "x-last": "one" });
      res.end();
    });
    const { send } = connectionsTo(address);
    const response = await send({ header: new Headers({ "x-question": "why" }) });
    expect([response.status, response.header.get("x-answer")]).toEqual([418, "why"]);
    expect(response.header.getSetCookie()).toEqual(["a=1", "b=2"]);
    expect(await textOf(response.body)).toBe("tea");
    expect(response.trailer.get("x-last")).toBe("one");
  });

  test("hands over an answer that comes before the request was read, and stops sending", async () => {
    const { address } = await httpServer((_req, res) => res.writeHead(413).end("too much"));
    const { send } = connectionsTo(address);
    let ended = false;
    async function* endless() {
      try {
        for (;;) {
          yield Buffer.alloc(1_000);
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      } finally {
        ended = true;
      }
    }
    const response = await send({ body: endless() });
    expect([response.status, await textOf(response.body)]).toEqual([413, "too much"]);
    await until(() => ended);
  });

  test("reads no faster than its reader", async () => {
    let response: ServerResponse | undefined;
    const total = 32 * 1024 * 1024;
    const { address } = await httpServer((_req, res) => {
      response = res;
      res.write(Buffer.alloc(total));
      res.end();
    });
    const { send } = connectionsTo(address);
    const { body } = await send();
    const waiting = (): number => response?.socket?.writableLength ?? 0;
    // Stands still with most of it unsent: the socket buffers take the rest.
    let before = -1;
    await until(() => waiting() === before || ((before = waiting()), false), { intervalMs: 200 });
    expect(waiting()).toBeGreaterThan(total / 2);
    let received = 0;
    for await (const chunk of body) received += chunk.byteLength;
    expect(received).toBe(total);
  });

  test("takes no more of a request than the server reads", async () => {
    let request: IncomingMessage | undefined;
    const { address } = await httpServer((req, res) => {
      request = req;
      req.on("end", () => res.end());
    });
    const { send } = connectionsTo(address);
    let taken = 0;
    async function* chunks() {
      for (; taken < 512; taken++) yield Buffer.alloc(65_536);
    }
    const sent = send({ body: chunks() });
    let before = -1;
    await until(() => (taken > 1 && taken === before) || ((before = taken), false), { intervalMs: 200 });
    expect(taken).toBeLessThan(300);
    request?.resume();
    await textOf((await sent).body);
    expect(taken).toBe(512);
  });

  test("tells the server when a caller cancels, and calls the connection not lost", async () => {
    let request: IncomingMessage | undefined;
    const { address } = await httpServer((req) => {
      request = req;
      req.on("error", () => {});
    });
    const { send, lost } = connectionsTo(address);
    const stop = new AbortController();
    const sent = failure(send({ signal: stop.signal, body: bytes("a") }));
    await until(() => request);
    stop.abort();
    expect((await sent).code).toBe(Code.Canceled);
    await until(() => request?.socket.destroyed);
    const early = failure(send({ signal: AbortSignal.abort(), body: bytes("a") }));
    expect((await early).code).toBe(Code.Canceled);
    const connecting = new AbortController();
    const aborted = failure(send({ signal: connecting.signal }));
    connecting.abort();
    expect((await aborted).code).toBe(Code.Canceled);
    expect(lost).toEqual([]);
  });

  test("cancels an answer that nobody reads to its end", async () => {
    let response: ServerResponse | undefined;
    const { address } = await httpServer((_req, res) => {
      response = res;
      res.write("a");
    });
    const { send } = connectionsTo(address);
    for await (const _ of (await send()).body) break;
    await until(() => response?.destroyed);
  });

  test("fails when the body of the request does, and does not end it well", async () => {
    let complete: boolean | undefined;
    const { address } = await httpServer((req) => {
      req.on("error", () => {});
      req.resume().on("close", () => (complete = req.complete));
    });
    const { send } = connectionsTo(address);
    async function* broken() {
      yield Buffer.from("a");
      await new Promise((resolve) => setTimeout(resolve, 20));
      throw new ConnectError("no more", Code.DataLoss);
    }
    expect((await failure(send({ body: broken() }))).code).toBe(Code.DataLoss);
    await until(() => complete !== undefined);
    expect(complete).toBe(false);
  });

  test("speaks to a unix socket", async () => {
    const directory = await mkdtemp(join(tmpdir(), "mesh-http1-"));
    closing.push(() => rm(directory, { recursive: true }));
    const path = join(directory, "socket");
    const host = await startMesh({ listen: { path } });
    closing.push(() => host.mesh.close());
    const { connections, send } = connectionsTo(`unix:${path}`);
    await http1Probe(connections, AbortSignal.timeout(5_000));
    const { status } = await send({ url: "http://localhost/livez", method: "GET" });
    expect(status).toBe(200);
  });
});

describe("how far a request came", () => {
  test("is unsent when nothing listens, which also makes the connection lost", async () => {
    const { server, address } = await httpServer(() => {});
    server.close();
    const { send, lost } = connectionsTo(address);
    const error = await failure(send({ body: bytes("a") }));
    expect([error.code, progressOf(error)]).toEqual([Code.Unavailable, "unsent"]);
    expect(error.rawMessage).toMatch(/cannot connect to http:.*ECONNREFUSED/);
    expect(lost).toHaveLength(1);
  });

  test("is unsent when the connection is not there in time", async () => {
    // TCP accepts, but nobody ever answers the TLS handshake.
    const { address } = await listening(createTcp());
    const { send, lost } = connectionsTo(address.replace("http:", "https:"), 200);
    const error = await failure(send({ body: bytes("a") }));
    expect([error.code, progressOf(error)]).toEqual([Code.Unavailable, "unsent"]);
    expect(error.rawMessage).toContain("no connection within 200 ms");
    expect(lost).toHaveLength(1);
  });

  test("is sent when the connection breaks after it was written", async () => {
    const { address } = await rawServer((socket) => socket.destroy());
    const { send, lost } = connectionsTo(address);
    const error = await failure(send({ body: bytes("a") }));
    expect([error.code, progressOf(error)]).toEqual([Code.Unavailable, "sent"]);
    // Another connection may do better.
    expect(lost).toEqual([]);
  });

  test("is sent when it was written to a kept connection that closed before any answer", async () => {
    const { address, sockets } = await rawServer((socket, count) => {
      if (count === 1) socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
      else socket.destroy();
    });
    const { send } = connectionsTo(address);
    expect(await textOf((await send()).body)).toBe("ok");
    await idle();
    const error = await failure(send({ body: bytes("a") }));
    expect(sockets).toHaveLength(1);
    expect([error.code, progressOf(error)]).toEqual([Code.Unavailable, "sent"]);
  });

  test("is unsent when the server has gone before its body is there", async () => {
    const { server, address, sockets } = await httpServer((_req, res) => res.end("ok"));
    const { send } = connectionsTo(address);
    let release: (() => void) | undefined;
    async function* later() {
      await new Promise<void>((resolve) => (release = resolve));
      yield Buffer.from("a");
    }
    const sent = failure(send({ body: later() }));
    await until(() => release);
    server.close();
    release?.();
    expect([progressOf(await sent), sockets.length]).toEqual(["unsent", 0]);
  });

  test("does not matter when the server closed an idle connection: there is a new one", async () => {
    const { address, sockets } = await httpServer((_req, res) => res.end("ok"));
    const { send, lost } = connectionsTo(address);
    expect(await textOf((await send()).body)).toBe("ok");
    sockets[0]?.destroy();
    await once(sockets[0] ?? process, "close");
    await until(async () => (await textOf((await send({ body: bytes("a") })).body)) === "ok");
    expect(sockets.length).toBeGreaterThan(1);
    expect(lost).toEqual([]);
  });
});

describe("the connections", () => {
  test("are probed with a request that every server answers", async () => {
    const { server, address } = await httpServer((_req, res) => res.writeHead(404).end());
    const { connections } = connectionsTo(address, 300);
    await http1Probe(connections, AbortSignal.timeout(5_000));
    server.closeAllConnections();
    server.close();
    const error = await failure(http1Probe(connections, AbortSignal.timeout(5_000)));
    expect(progressOf(error)).toBe("unsent");

    const host = await startMesh();
    closing.push(() => host.mesh.close());
    await http1Probe(connectionsTo(host.address).connections, AbortSignal.timeout(5_000));
  });

  test("are not there while nothing answers, whatever TCP accepts", async () => {
    const { address } = await listening(createTcp());
    const { connections } = connectionsTo(address, 200);
    const error = await failure(http1Probe(connections, new AbortController().signal));
    expect(error.rawMessage).toContain("no answer within 200 ms");
    const stopped = await failure(http1Probe(connections, AbortSignal.abort()));
    expect(stopped.code).toBe(Code.Canceled);
  });

  test("close once the last request has ended, and take no more", async () => {
    let response: ServerResponse | undefined;
    const { address, sockets } = await httpServer((_req, res) => {
      response = res;
      res.write("first ");
    });
    const { connections, send } = connectionsTo(address);
    const { body } = await send();
    const closed = connections.close();
    const refused = await failure(send());
    expect([refused.code, progressOf(refused)]).toEqual([Code.Unavailable, "unsent"]);
    response?.end("last");
    expect(await textOf(body)).toBe("first last");
    await within(() => closed, { what: "the end" });
    await until(() => sockets.every((socket) => socket.destroyed));
  });

  test("end at once when they are cut, with what runs on them", async () => {
    const { address, sockets } = await httpServer((_req, res) => void res.write("first"));
    const { send, cut } = connectionsTo(address);
    const { body } = await send();
    const hanging = failure(textOf(body));
    cut.abort();
    expect((await hanging).code).toBe(Code.Unavailable);
    await until(() => sockets.every((socket) => socket.destroyed));
  });
});
