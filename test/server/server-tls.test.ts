import { once } from "node:events";
import { connect as connectTls } from "node:tls";
import type { ConnectionOptions, TLSSocket } from "node:tls";
import { Code } from "@connectrpc/connect";
import { afterEach, describe, expect, test } from "vitest";
import { GreetService } from "../../gen/greet/v1/greet_pb.ts";
import { createMesh, memory, protobuf, reasonOf, serverTls } from "../../src/index.ts";
import type { ServerTls, TlsRenewal } from "../../src/index.ts";
import { within } from "../../src/testing/until.ts";
import { startMesh } from "../support/mesh.ts";
import { failure } from "../support/outcome.ts";
import { certificate, testCa } from "../support/tls.ts";

const server = certificate("server");
const client = certificate("client");
const stranger = certificate("stranger");
const both = [testCa, stranger.cert];

const closing: Array<() => unknown> = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A mesh that listens with this, and what makes clients of it. */
async function host(tls: ServerTls) {
  const registry = memory();
  const started = await startMesh({ registry, listen: { tls } });
  closing.push(() => started.mesh.close());
  const caller = (options: ConnectionOptions, httpVersion: "1.1" | "2" = "2") => {
    const mesh = createMesh({ registry, tls: options, waitForReady: false, channels: [protobuf({ httpVersion })] });
    closing.push(() => mesh.close());
    return mesh.client(GreetService);
  };
  return { port: started.port, caller };
}

/** Does a handshake. Rejects when it fails. */
async function handshake(port: number, options: ConnectionOptions): Promise<TLSSocket> {
  const socket = connectTls({ host: "127.0.0.1", port, ca: both, ...options });
  closing.push(() => socket.destroy());
  await within(() => once(socket, "secureConnect"), { what: "the handshake" });
  socket.on("error", () => {});
  return socket;
}

/** Who a new connection is shown. */
async function shown(port: number): Promise<string | string[] | undefined> {
  return (await handshake(port, {})).getPeerCertificate().subject.CN;
}

const [serverName, strangerName] = ["connect-mesh test server", "connect-mesh test stranger"];

describe("TLS that is renewed while a mesh runs", () => {
  test.each(["2", "1.1"] as const)("is for new connections over HTTP/%s, and those in place go on", async (version) => {
    const tls = serverTls(server);
    const { port, caller } = await host(tls);
    const before = caller({ ca: testCa }, version);
    expect((await before.greet({ name: "Ada" })).message).toBe("hello Ada");
    tls.renew(stranger);
    expect(await shown(port)).toBe(strangerName);
    expect((await before.greet({ name: "Grace" })).message).toBe("hello Grace");
    const late = await failure(caller({ ca: testCa }, version).greet({}));
    expect([late.code, reasonOf(late)]).toEqual([Code.Unavailable, "CONNECTION_FAILED"]);
    expect(late.rawMessage).toMatch(/self.signed certificate/);
    expect((await caller({ ca: both }, version).greet({})).message).toBe("hello world");
  });

  test("can be renewed before the mesh listens, for several meshes, and after one is closed", async () => {
    const tls = serverTls(server);
    tls.renew(stranger);
    const [one, other] = [await startMesh({ registry: memory(), listen: { tls } }), await startMesh({ registry: memory(), listen: { tls } })];
    closing.push(() => one.mesh.close(), () => other.mesh.close());
    expect([await shown(one.port), await shown(other.port)]).toEqual([strangerName, strangerName]);
    await one.mesh.close();
    tls.renew(server);
    expect(await shown(other.port)).toBe(serverName);
  });

  test.each<readonly [string, TlsRenewal, RegExp]>([
    ["a key that is none", { ...stranger, key: "secret" }, /new TLS options cannot be used/],
    ["another's key", { cert: stranger.cert, key: client.key }, /new TLS options cannot be used/],
    ["a certificate without its key", { cert: stranger.cert }, /new TLS options cannot be used/],
    ["a file of something else", { pfx: Buffer.from("secret") }, /new TLS options cannot be used/],
  ])("stays as it is when it is given %s", async (_, renewal, message) => {
    const tls = serverTls(server);
    const { port } = await host(tls);
    const error = await failure(Promise.resolve().then(() => { tls.renew(renewal); }));
    expect([error.code, reasonOf(error)]).toEqual([Code.InvalidArgument, "INVALID_CONFIGURATION"]);
    expect(error.rawMessage).toMatch(message);
    expect(error.rawMessage).not.toContain("secret");
    expect(await shown(port)).toBe(serverName);
    tls.renew(stranger);
    expect(await shown(port)).toBe(strangerName);
  });

  test("keeps what a renewal leaves out", async () => {
    const tls = serverTls({ ...server, requestCert: true, ca: testCa });
    const { port, caller } = await host(tls);
    tls.renew({ ...stranger, ca: undefined });
    expect((await caller({ ca: both, ...client }).greet({})).message).toBe("hello world");
    expect((await failure(caller({ ca: both }).greet({}))).code).toBe(Code.Unavailable);
    const old = handshake(port, { minVersion: "TLSv1.1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" });
    await expect(old).rejects.toThrow(/protocol version/i);
  });

  test("lets nobody in any more of an authority that is no longer trusted, not even with a session from before", async () => {
    const tls = serverTls({ ...server, requestCert: true, ca: both });
    const { port, caller } = await host(tls);
    expect((await caller({ ca: testCa, ...client }).greet({})).message).toBe("hello world");
    const first = await handshake(port, { maxVersion: "TLSv1.2", ...client });
    const session = first.getSession();
    expect((await handshake(port, { maxVersion: "TLSv1.2", ...client, session })).isSessionReused()).toBe(true);
    tls.renew({ ca: stranger.cert });
    expect((await failure(caller({ ca: testCa, ...client }).greet({}))).code).toBe(Code.Unavailable);
    expect((await caller({ ca: testCa, ...stranger }).greet({})).message).toBe("hello world");
    await expect(handshake(port, { maxVersion: "TLSv1.2", ...client, session })).rejects.toThrow();
  });

  test("is an error of configuration at once when it has no certificate", () => {
    expect(() => serverTls({})).toThrow(/the TLS options have no certificate: set cert and key, or pfx/);
  });
});
