import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { GreetService } from "../../gen/greet/v1/greet_pb.ts";
import { memory, reasonOf } from "../../src/index.ts";
import { startMesh } from "../support/mesh.ts";
import type { StartedMesh } from "../support/mesh.ts";
import { all, failure, streamOf } from "../support/outcome.ts";
import { RawHttp2 } from "../support/raw-http2.ts";
import { present, run } from "../support/run.ts";

const hasCurl = await present("curl", "install it from the system's packages");

describe("one port", () => {
  let server: StartedMesh;

  beforeAll(async () => {
    server = await startMesh();
  });

  afterAll(() => server.mesh.close());

  test("serves HTTP/1.1 and HTTP/2 at the same time", async () => {
    const baseUrl = server.address;
    const greets = [
      createConnectTransport({ baseUrl, httpVersion: "1.1" }),
      createConnectTransport({ baseUrl, httpVersion: "2" }),
      createGrpcTransport({ baseUrl }),
    ].map((transport) => createClient(GreetService, transport));
    const calls = greets.flatMap((greet) =>
      Array.from({ length: 50 }, (_, at) => greet.greet({ name: `${at}` })),
    );
    const answers = await Promise.all(calls);
    expect(answers.every(({ instance }) => instance === server.id)).toBe(true);
  });

  test("announces how many calls a connection takes, and how large headers may be", async () => {
    using raw = new RawHttp2(server.address);
    const [settings] = (await once(raw.session, "remoteSettings")) as [object];
    expect(settings).toMatchObject({ maxConcurrentStreams: 100, maxHeaderListSize: 16 * 1024 });
  });

  test("takes the limits from the options", async () => {
    await using small = await startMesh({ limits: { maxConcurrentStreams: 7, maxHeaderBytes: 2_048 } });
    using raw = new RawHttp2(small.address);
    const [settings] = (await once(raw.session, "remoteSettings")) as [object];
    expect(settings).toMatchObject({ maxConcurrentStreams: 7, maxHeaderListSize: 2_048 });
    const headers = { "x-large": "x".repeat(3_000) };
    expect((await fetch(`${small.address}/livez`, { headers })).status).toBe(431);
  });
});

describe("an address in use", () => {
  test("is LISTEN_FAILED and names the port", async () => {
    await using first = await startMesh();
    const error = await failure(startMesh({ listen: { port: first.port } }));
    expect(reasonOf(error)).toBe("LISTEN_FAILED");
    expect(error.rawMessage).toContain(`cannot listen on 127.0.0.1:${first.port}`);
    expect(error.rawMessage).toContain("choose another port");
  });

  test("that is none on this machine is LISTEN_FAILED and names it", async () => {
    // Reserved for documentation (RFC 5737): no machine has it.
    const error = await failure(startMesh({ listen: { host: "192.0.2.1" } }));
    expect(reasonOf(error)).toBe("LISTEN_FAILED");
    expect(error.rawMessage).toContain("cannot listen on 192.0.2.1:0");
  });
});

describe("a unix socket", () => {
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "connect-mesh-socket-"));
  });

  afterAll(() => rm(directory, { recursive: true }));

  test("carries every channel, and is gone afterwards", async () => {
    const path = join(directory, "mesh.sock");
    const registry = memory();
    const server = await startMesh({ registry, listen: { path } });
    expect(server.address).toBe(`unix:${path}`);
    await using caller = await startMesh({ registry, components: [], listen: undefined });
    for (const channel of ["protobuf", "json", "grpc", "grpc-web"]) {
      const greet = caller.mesh.client(GreetService, { channel });
      expect((await greet.greet({ name: "Ada" })).instance).toBe(server.id);
      expect(await all(greet.greetMany({ count: 3 }))).toHaveLength(3);
      expect((await greet.collect(streamOf({ name: "Ada" }))).count).toBe(1);
      expect(await all(greet.chat(streamOf({}, {})))).toHaveLength(2);
    }
    await server.mesh.close();
    expect(existsSync(path)).toBe(false);
  });

  test.skipIf(!hasCurl)("answers curl over both HTTP versions", async () => {
    const path = join(directory, "curl.sock");
    await using server = await startMesh({ listen: { path } });
    for (const version of ["--http1.1", "--http2-prior-knowledge"]) {
      const args = ["--silent", version, "--unix-socket", path, "--json", '{"name":"Ada"}'];
      const { stdout } = await run("curl", [...args, "http://localhost/greet.v1.GreetService/Greet"]);
      expect(JSON.parse(stdout)).toEqual({ message: "hello Ada", instance: server.id });
    }
  });

  test("in use is LISTEN_FAILED and names its path", async () => {
    const path = join(directory, "taken.sock");
    await using first = await startMesh({ listen: { path } });
    const error = await failure(startMesh({ listen: { path } }));
    expect(reasonOf(error)).toBe("LISTEN_FAILED");
    expect(error.rawMessage).toContain(`cannot listen on ${path}`);
    expect(first.mesh.state).toBe("running");
  });
});
