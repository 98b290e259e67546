import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { check } from "../../src/index.ts";
import { greeter } from "../../examples/greeter/greeter.ts";
import { startMesh } from "../support/mesh.ts";
import type { StartedMesh } from "../support/mesh.ts";
import { RawHttp2 } from "../support/raw-http2.ts";

let server: StartedMesh;
let raw: RawHttp2;

beforeAll(async () => {
  server = await startMesh({ http: { bodyLimit: 1_000 } }, ({ http }) => {
    http.get("/hello", async (request) => ({ hello: request.raw.httpVersion }));
    http.post("/echo", async (request) => request.body);
    http.get("/stream", async (_request, reply) => reply.send(Readable.from(["a", "b", "c"])));
    http.get("/livez", async () => "mine");
  });
  raw = new RawHttp2(server.address);
});

afterAll(async () => {
  raw[Symbol.dispose]();
  await server.mesh.close();
});

/** One request over each HTTP version: status and body. */
async function both(method: string, path: string, body?: string) {
  const headers: Record<string, string> = body === undefined ? {} : { "content-type": "application/json" };
  const first = await fetch(`${server.address}${path}`, { method, headers, ...(body === undefined ? {} : { body }) });
  const sent = body === undefined ? [] : [body];
  const second = await raw.call(path, { ":method": method, ...headers }, ...sent);
  return [
    { status: first.status, body: await first.text() },
    { status: second.status, body: second.body.toString() },
  ];
}

describe("mesh.http", () => {
  test("adds routes that answer over both HTTP versions", async () => {
    const [one, two] = await both("GET", "/hello");
    expect([one, two]).toEqual([
      { status: 200, body: '{"hello":"1.1"}' },
      { status: 200, body: '{"hello":"2.0"}' },
    ]);
  });

  test("reads JSON with Fastify's own parser", async () => {
    for (const answer of await both("POST", "/echo", '{"a":1}')) {
      expect(answer).toEqual({ status: 200, body: '{"a":1}' });
    }
    for (const { status } of await both("POST", "/echo", "{")) expect(status).toBe(400);
  });

  test("streams answers", async () => {
    for (const answer of await both("GET", "/stream")) expect(answer).toEqual({ status: 200, body: "abc" });
  });

  test("takes Fastify's options, which RPCs do not feel", async () => {
    const large = JSON.stringify({ name: "x".repeat(2_000) });
    for (const { status } of await both("POST", "/echo", large)) expect(status).toBe(413);
    for (const { status } of await both("POST", "/greet.v1.GreetService/Greet", large)) {
      expect(status).toBe(200);
    }
  });

  test("answers 404 for what is nowhere", async () => {
    for (const { status } of await both("GET", "/nowhere")) expect(status).toBe(404);
  });

  test("has health endpoints, unless somebody else has", async () => {
    for (const { body } of await both("GET", "/livez")) expect(body).toBe("mine");
    for (const { status } of await both("GET", "/readyz")) expect(status).toBe(200);
    for (const { body } of await both("GET", "/health")) {
      expect(JSON.parse(body)).toMatchObject({ status: "pass", components: [{ name: "greeter", state: "RUNNING" }] });
    }
  });
});

test("a component in error makes /readyz and /health 503, with the reason", async () => {
  const failing = check("database", () => {
    throw new Error("no connection");
  });
  await using sick = await startMesh({ components: [greeter({ checks: [failing] })] });
  const ready = await fetch(`${sick.address}/readyz`);
  expect([ready.status, await ready.text()]).toEqual([503, expect.stringContaining("no connection")]);
  expect((await fetch(`${sick.address}/health?component=greeter`)).status).toBe(503);
  expect((await fetch(`${sick.address}/livez`)).status).toBe(200);
});
