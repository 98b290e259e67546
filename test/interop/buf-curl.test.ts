import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startMesh } from "../support/mesh.ts";
import type { StartedMesh } from "../support/mesh.ts";
import { run } from "../support/run.ts";

const root = join(import.meta.dirname, "../..");
const buf = join(root, "node_modules/.bin/buf");

let server: StartedMesh;
let directory: string;
let schema: string;

beforeAll(async () => {
  server = await startMesh();
  directory = await mkdtemp(join(tmpdir(), "connect-mesh-buf-"));
  schema = join(directory, "image.binpb");
  const { code, stderr } = await run(buf, ["build", root, "--path", join(root, "proto/greet"), "--output", schema]);
  expect(stderr).toBe("");
  expect(code).toBe(0);
});

afterAll(async () => {
  await server.mesh.close();
  await rm(directory, { recursive: true });
});

async function curl(method: string, data: string, ...args: readonly string[]) {
  const url = `${server.address}/greet.v1.GreetService/${method}`;
  const ended = await run(buf, ["curl", "--schema", schema, "--data", "@-", ...args, url], { input: data });
  return { ...ended, messages: ended.stdout.split(/(?<=^\})\n/m).filter((text) => text !== "").map((text) => JSON.parse(text) as unknown) };
}

const h2c = "--http2-prior-knowledge";
const wires = [
  ["gRPC", true, ["--protocol", "grpc", h2c]],
  ["gRPC-Web over HTTP/2", true, ["--protocol", "grpcweb", h2c]],
  ["gRPC-Web over HTTP/1.1", false, ["--protocol", "grpcweb"]],
  ["Connect over HTTP/2", true, ["--protocol", "connect", h2c]],
  ["Connect over HTTP/1.1", false, ["--protocol", "connect"]],
] as const;

// Each run is a process of its own: the kinds of one wire run side by side.
describe.each(wires)("buf curl with %s", (_name, bidi, flags) => {
  test.concurrent("makes a unary call", async () => {
    const { code, messages } = await curl("Greet", '{"name":"Ada"}', ...flags);
    expect([code, messages]).toEqual([0, [{ message: "hello Ada", instance: server.id }]]);
  });

  test.concurrent("reads a stream", async () => {
    const { code, messages } = await curl("GreetMany", '{"name":"Ada","count":2}', ...flags);
    const greeting = { message: "hello Ada", instance: server.id };
    expect([code, messages]).toEqual([0, [1, 2].map((index) => ({ ...greeting, index }))]);
  });

  test.concurrent("sends a stream", async () => {
    const { code, messages } = await curl("Collect", '{"name":"Ada"}{"name":"Grace"}', ...flags);
    expect([code, messages]).toEqual([
      0,
      [{ message: "hello Ada, Grace", instance: server.id, count: 2 }],
    ]);
  });

  // HTTP/1.1 has no streams in both directions.
  if (bidi) test("streams both ways", async () => {
    const { code, messages } = await curl("Chat", '{"name":"Ada"}{"name":"Grace"}', ...flags);
    expect(code).toBe(0);
    expect(messages).toMatchObject([{ message: "hello Ada" }, { message: "hello Grace" }]);
  });

  test.concurrent("shows the code and the message of an error", async () => {
    const { code, stderr } = await curl("GreetMany", '{"count":10001}', ...flags);
    // buf ends with eight times the gRPC code.
    expect(code).toBe(3 * 8);
    expect(stderr).toContain("count is 10001; ask for 10000 greetings at most");
  });
});
