import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { Agent, get as getHttps } from "node:https";
import type { IncomingMessage } from "node:http";
import { connect as connectTcp } from "node:net";
import { connect as connectTls } from "node:tls";
import type { ConnectionOptions, TLSSocket } from "node:tls";
import { Code, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import fastify from "fastify";
import { afterEach, describe, expect, test } from "vitest";
import { GreetService } from "../../gen/greet/v1/greet_pb.ts";
import { greeter } from "../../examples/greeter/greeter.ts";
import { createMesh, grpcWeb, json, memory, meshPlugin, progressOf, protobuf, reasonOf } from "../../src/index.ts";
import type { Channel, Mesh, MeshOptions } from "../../src/index.ts";
import { until, within } from "../../src/testing/until.ts";
import { startMesh } from "../support/mesh.ts";
import { all, failure, streamOf } from "../support/outcome.ts";
import { answer } from "../support/raw-http2.ts";
import { certificate, testCa } from "../support/tls.ts";

const server = certificate("server");
const client = certificate("client");
const stranger = certificate("stranger");

const closing: Array<() => unknown> = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A mesh that listens with TLS, and one that calls it. */
async function pair(listen: MeshOptions["listen"], tls: ConnectionOptions, options: MeshOptions = {}) {
  const registry = memory();
  const host = await startMesh({ registry, listen, ...options });
  closing.push(() => host.mesh.close());
  const guest = createMesh({ registry, tls, waitForReady: false, timeoutMs: 10_000, ...channelsOf(options) });
  closing.push(() => guest.close());
  return { host, guest, greet: guest.client(GreetService) };
}

function channelsOf({ channels }: MeshOptions): MeshOptions {
  return channels === undefined ? {} : { channels };
}

/** Does a handshake. Rejects when it fails. */
async function handshake(port: number, options: ConnectionOptions): Promise<TLSSocket> {
  const socket = connectTls({ host: "127.0.0.1", port, ca: testCa, ...options });
  closing.push(() => socket.destroy());
  await once(socket, "secureConnect");
  socket.on("error", () => {});
  return socket;
}

function get(url: string, options: object = {}): Promise<{ response: IncomingMessage; text: string }> {
  return new Promise((resolve, reject) => {
    getHttps(url, { ca: testCa, agent: new Agent(), ...options }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.on("end", () => {
        resolve({ response, text });
      });
    }).on("error", reject);
  });
}

const listen = { tls: server } as const;

describe("a mesh that listens with TLS", () => {
  test("tells the registry an https address, and other meshes call it on every channel", async () => {
    const registry = memory();
    const host = await startMesh({ registry, listen });
    closing.push(() => host.mesh.close());
    expect(host.address).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    const guest = createMesh({ registry, tls: { ca: testCa } });
    closing.push(() => guest.close());
    for (const channel of ["protobuf", "json", "grpc", "grpc-web"]) {
      const greet = guest.client(GreetService, { channel });
      expect((await greet.greet({ name: "Ada" })).message).toBe("hello Ada");
      const chat = await all(greet.chat(streamOf({ name: "a" }, { name: "b" })));
      expect(chat.map(({ message }) => message)).toEqual(["hello a", "hello b"]);
    }
  });

  test("speaks HTTP/2 or HTTP/1.1, as the handshake agrees", async () => {
    const { host } = await pair(listen, { ca: testCa });
    const agreed = async (ALPNProtocols: string[] | undefined): Promise<string | false | null> =>
      (await handshake(host.port, ALPNProtocols === undefined ? {} : { ALPNProtocols })).alpnProtocol;
    expect(await agreed(["h2", "http/1.1"])).toBe("h2");
    expect(await agreed(["http/1.1", "h2"])).toBe("h2");
    expect(await agreed(["http/1.1"])).toBe("http/1.1");
    expect(await agreed(undefined)).toBe(false);

    const old = await get(`${host.address}/livez`);
    expect([old.response.httpVersion, old.response.statusCode]).toEqual(["1.1", 200]);
    const session = connectHttp2(host.address, { ca: testCa });
    closing.push(() => session.destroy());
    const stream = session.request({ ":path": "/livez" });
    expect((await answer(stream)).status).toBe(200);
  });

  test("answers RPCs of other Connect clients over both versions", async () => {
    const { host } = await pair(listen, { ca: testCa });
    for (const httpVersion of ["1.1", "2"] as const) {
      const transport = createConnectTransport({
        baseUrl: host.address,
        httpVersion,
        nodeOptions: { ca: testCa },
      });
      const greet = createClient(GreetService, transport);
      expect((await greet.greet({ name: httpVersion })).message).toBe(`hello ${httpVersion}`);
    }
  });

  test("shows handlers the https URL", async () => {
    let url: string | undefined;
    const seen = greeter({
      interceptors: [
        (next) => (req) => {
          url = req.url;
          return next(req);
        },
      ],
    });
    const { greet, host } = await pair(listen, { ca: testCa }, { components: [seen] });
    await greet.greet({});
    expect(url).toBe(`${host.address}/greet.v1.GreetService/Greet`);
  });

  test("does not answer without TLS", async () => {
    const { host } = await pair(listen, { ca: testCa });
    const socket = connectTcp(host.port, "127.0.0.1");
    closing.push(() => socket.destroy());
    let received = "";
    socket.setEncoding("latin1").on("data", (text: string) => (received += text));
    socket.on("error", () => {});
    socket.write("GET /livez HTTP/1.1\r\nhost: x\r\n\r\n");
    await within(() => once(socket, "close"), { what: "the end of the connection" });
    expect(received).not.toContain("200");
  });

  test("refuses TLS 1.1", async () => {
    const { host } = await pair(listen, { ca: testCa });
    const old = handshake(host.port, {
      minVersion: "TLSv1.1",
      maxVersion: "TLSv1.1",
      ciphers: "DEFAULT@SECLEVEL=0",
    });
    await expect(old).rejects.toThrow(/protocol version/i);
    const socket = await handshake(host.port, { maxVersion: "TLSv1.2" });
    expect(socket.getProtocol()).toBe("TLSv1.2");
  });

  test("closes a connection that never finishes its handshake", async () => {
    const { host } = await pair(listen, { ca: testCa }, { limits: { firstBytesTimeoutMs: 200 } });
    const silent = connectTcp(host.port, "127.0.0.1");
    closing.push(() => silent.destroy());
    silent.on("error", () => {});
    silent.resume();
    await within(() => once(silent, "close"), { what: "the end of the connection" });
    // One that has finished it may take its time.
    const socket = await handshake(host.port, { ALPNProtocols: ["http/1.1"] });
    await within(() => once(connectTcp(host.port, "127.0.0.1").on("error", () => {}).resume(), "close"));
    expect(socket.destroyed).toBe(false);
  });

  test("closes with all connections gone, in whatever state they are", async () => {
    const { host } = await pair(listen, { ca: testCa }, { drain: { graceMs: 200 } });
    const connections = [
      connectTcp(host.port, "127.0.0.1"),
      await handshake(host.port, { ALPNProtocols: ["http/1.1"] }),
      await handshake(host.port, { ALPNProtocols: ["h2"] }),
    ];
    for (const socket of connections) socket.on("error", () => {}).resume();
    const session = connectHttp2(host.address, { ca: testCa });
    await once(session, "remoteSettings");
    const ended = [...connections, session].map((of) => once(of, "close"));
    await within(() => host.mesh.close(), { what: "mesh.close()" });
    await within(() => Promise.all(ended), { what: "the end of the connections" });
  });

  test("lets running calls finish when it closes", async () => {
    const { host, guest } = await pair(listen, { ca: testCa });
    const greet = guest.client(GreetService);
    const seen: number[] = [];
    const pause = { seconds: 0n, nanos: 50_000_000 };
    const running = (async () => {
      for await (const { index } of greet.greetMany({ count: 10, pause })) seen.push(index);
    })();
    await until(() => seen.length > 0);
    await host.mesh.close();
    await running;
    expect(seen).toHaveLength(10);
  });
});

describe("client certificates", () => {
  const strict = { tls: { ...server, requestCert: true, ca: testCa } } as const;
  const channels: ReadonlyArray<readonly [string, Channel]> = [
    ["HTTP/2", protobuf()],
    ["HTTP/1.1", protobuf({ httpVersion: "1.1" })],
  ];

  test.each(channels)("let a caller in over %s that has one of the authority", async (_, channel) => {
    const { greet } = await pair(strict, { ca: testCa, ...client }, { channels: [channel] });
    expect((await greet.greet({ name: "Ada" })).message).toBe("hello Ada");
  });

  test.each(channels)("keep a caller out over %s that has none, or a stranger's", async (_, channel) => {
    let calls = 0;
    const counted = () => greeter({ requestGate: () => void calls++ });
    for (const own of [{}, stranger]) {
      const tls = { ca: testCa, ...own };
      const { greet } = await pair(strict, tls, { channels: [channel], components: [counted()] });
      expect((await failure(greet.greet({}))).code).toBe(Code.Unavailable);
    }
    expect(calls).toBe(0);
  });
});

describe("a client", () => {
  test.each([
    ["HTTP/2", protobuf()],
    ["HTTP/1.1", json({ httpVersion: "1.1" })],
    ["gRPC-Web over HTTP/1.1", grpcWeb({ httpVersion: "1.1" })],
  ])("believes no certificate over %s that its authority did not sign", async (_, channel) => {
    const trusting = { tls: stranger };
    const { guest } = await pair(trusting, { ca: testCa }, { channels: [channel] });
    const error = await failure(guest.client(GreetService, { channel: channel.name }).greet({}));
    expect([error.code, reasonOf(error), progressOf(error)]).toEqual([
      Code.Unavailable,
      "CONNECTION_FAILED",
      "unsent",
    ]);
    expect(error.rawMessage).toMatch(/self.signed certificate/);
  });

  test.each(["2", "1.1"] as const)("checks the name that it asked for, over HTTP/%s", async (httpVersion) => {
    const named = (servername: string) =>
      pair(listen, { ca: testCa, servername }, { channels: [protobuf({ httpVersion })] });
    const right = await named("greeter.test");
    expect((await right.greet.greet({})).message).toBe("hello world");
    const wrong = await named("somebody.else");
    expect((await failure(wrong.greet.greet({}))).rawMessage).toMatch(/somebody\.else/);
  });
});

describe("listen.tls", () => {
  const started = async (options: MeshOptions["listen"]): Promise<Mesh> => {
    const mesh = createMesh({ registry: memory(), components: [greeter()], listen: options });
    closing.push(() => mesh.close());
    await mesh.start();
    return mesh;
  };

  test.each([
    ["has no certificate", { tls: {} }, /no certificate: set cert and key/],
    ["has a key that is none", { tls: { ...server, key: "secret" } }, /listen\.tls cannot be used/],
    ["has another's key", { tls: { ...server, key: client.key } }, /listen\.tls cannot be used/],
    ["goes with a unix socket", { tls: server, path: "/tmp/never.sock" }, /unix socket/],
  ])("is an error of configuration when it %s", async (_, options, message) => {
    const error = await failure(started(options));
    expect([error.code, reasonOf(error)]).toEqual([Code.InvalidArgument, "INVALID_CONFIGURATION"]);
    expect(error.rawMessage).toMatch(message);
    expect(error.rawMessage).not.toContain("secret");
  });
});

describe("a mesh in a Fastify app with TLS", () => {
  test("tells the registry an https address, and speaks both versions of HTTP", async () => {
    const registry = memory();
    const mesh = createMesh({ registry, components: [greeter()], drain: { drainDelayMs: 0 } });
    const app = fastify({ https: { ...server, ALPNProtocols: ["h2", "http/1.1"] } });
    await app.register(meshPlugin, { mesh });
    await app.listen({ port: 0, host: "127.0.0.1" });
    closing.push(() => app.close());
    await mesh.start();
    expect(mesh.address).toMatch(/^https:/);
    for (const httpVersion of ["2", "1.1"] as const) {
      const guest = createMesh({ registry, tls: { ca: testCa }, channels: [protobuf({ httpVersion })] });
      closing.push(() => guest.close());
      expect((await guest.client(GreetService).greet({})).message).toBe("hello world");
    }
    await mesh.close();
  });
});
