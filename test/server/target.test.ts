import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startMesh } from "../support/mesh.ts";
import type { StartedMesh } from "../support/mesh.ts";
import { RawTcp } from "../support/raw-tcp.ts";

let server: StartedMesh;

beforeAll(async () => {
  server = await startMesh();
});

afterAll(() => server.mesh.close());

/** What a server answers to some lines of HTTP/1.1. */
async function answerTo(...lines: readonly string[]): Promise<string> {
  using tcp = new RawTcp(server.port);
  tcp.send([...lines, "connection: close", "", ""].join("\r\n"));
  await tcp.closed;
  return tcp.received;
}

describe("a request over HTTP/1.1", () => {
  test.each([
    ["http://elsewhere.example/v1/greet/Ada", 200],
    ["http://elsewhere.example/livez", 200],
    ["HTTPS://elsewhere.example:8443/livez?x=1", 200],
    ["http://elsewhere.example", 404],
    ["/livez", 200],
    ["//elsewhere.example/livez", 404],
  ])("may name its target as a whole URL: %s is %i", async (target, status) => {
    expect(await answerTo(`GET ${target} HTTP/1.1`, "host: x")).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  });

  test("is refused when it has two hosts", async () => {
    const answer = await answerTo("GET /livez HTTP/1.1", "host: a", "Host: b");
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain("one Host header");
  });
});
