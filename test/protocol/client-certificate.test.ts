import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ConnectionOptions } from "node:tls";
import { Code } from "@connectrpc/connect";
import { describe, expect, onTestFinished, test } from "vitest";
import { Http2Connection } from "../../src/protocol/http2-connection.ts";
import { progressOf } from "../../src/protocol/progress.ts";
import { until } from "../../src/testing/until.ts";
import { lacksOpenssl } from "../faults/certificates.ts";
import { startMesh } from "../support/mesh.ts";
import { failure } from "../support/outcome.ts";
import { certificate, testCa } from "../support/tls.ts";
import { nothingUnhandled } from "../support/unhandled.ts";

nothingUnhandled();

const server = certificate("server");
const remedy = /; set cert and key of the TLS options to those of a certificate that an authority of the server's has signed/;

/** Why no connection can be made, which is always told as `unavailable` and never sent. */
async function reason(address: string, tls: ConnectionOptions): Promise<string> {
  const connection = new Http2Connection(address, { connectTimeoutMs: 10_000, tls: { ca: testCa, ...tls }, onLost: () => {} });
  onTestFinished(() => connection.close());
  const error = await failure(connection.ready());
  expect([error.code, progressOf(error)]).toEqual([Code.Unavailable, "unsent"]);
  return error.rawMessage;
}

describe("a server in Node that wants a certificate of its authority, over TLS 1.3", () => {
  const listen = { tls: { ...server, requestCert: true, ca: testCa, minVersion: "TLSv1.3" } } as const;

  test("refuses a client that has none, which says so and what to do", async () => {
    await using host = await startMesh({ listen });
    const text = await reason(host.address, {});
    expect(text).toMatch(/the server wants a certificate of this client, which has none \(TLS alert: certificate required\)/);
    expect(text).toMatch(remedy);
  });

  test("refuses one with a stranger's without a word, which is told as what it probably is", async () => {
    await using host = await startMesh({ listen });
    const text = await reason(host.address, certificate("stranger"));
    expect(text).toMatch(/closed the connection right after the TLS handshake, so it has probably refused this client's certificate/);
    expect(text).toMatch(remedy);
  });
});

test.skipIf((await lacksOpenssl()) !== undefined)("a server that refuses a certificate by an alert is understood", async () => {
  const folder = await mkdtemp(join(tmpdir(), "mesh-alert-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries({ ...server, ca: testCa })) await writeFile(join(folder, name), text);
  const files = ["-cert", "cert", "-key", "key", "-CAfile", "ca"];
  const options = ["-alpn", "h2", "-Verify", "1", "-verify_return_error", "-accept", "127.0.0.1:0"];
  const openssl = spawn("openssl", ["s_server", ...files, ...options], { cwd: folder });
  onTestFinished(async () => {
    const ended = once(openssl, "exit");
    openssl.kill();
    await ended;
  });
  let said = "";
  openssl.stdout.on("data", (bytes: Buffer) => (said += bytes.toString()));
  await until(() => /ACCEPT \S+:\d+/.test(said), { what: "the port of the server" });
  const port = /ACCEPT \S+:(\d+)/.exec(said)?.[1] ?? "";
  const text = await reason(`https://127.0.0.1:${port}`, certificate("stranger"));
  expect(text).toMatch(/the server refused this client's certificate \(TLS alert: [a-z ]+\)/);
  expect(text).toMatch(remedy);
});

describe("nothing is said of certificates", () => {
  test("when the client's is one of the authority, or the server ends a connection without TLS", async () => {
    await using host = await startMesh({ listen: { tls: { ...server, requestCert: true, ca: testCa } } });
    const tls = { ca: testCa, ...certificate("client") };
    const connection = new Http2Connection(host.address, { connectTimeoutMs: 10_000, tls, onLost: () => {} });
    onTestFinished(() => connection.close());
    await connection.ready();
    const plain = createServer();
    plain.on("connection", (socket) => socket.destroy());
    plain.listen(0, "127.0.0.1");
    await once(plain, "listening");
    onTestFinished(() => {
      plain.close();
    });
    expect(await reason(`http://127.0.0.1:${(plain.address() as AddressInfo).port}`, certificate("client"))).not.toMatch(/certificate/);
  });

  test("when this side closes a connection that is being made", async () => {
    await using host = await startMesh({ listen: { tls: { ...server, requestCert: true, ca: testCa } } });
    const tls = { ca: testCa, ...certificate("client") };
    const connection = new Http2Connection(host.address, { connectTimeoutMs: 10_000, tls, onLost: () => {} });
    const made = connection.ready().then(() => "made", String);
    await connection.close();
    expect(await made).not.toMatch(/certificate/);
  });

  test("when it is the client that believes the server's not", async () => {
    await using host = await startMesh({ listen: { tls: certificate("stranger") } });
    expect(await reason(host.address, certificate("client"))).toMatch(/self.signed certificate/);
  });
});
