import { request } from "node:http";
import type { IncomingHttpHeaders } from "node:http";
import fastify from "fastify";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { greeter } from "../../examples/greeter/greeter.ts";
import { LibraryService } from "../../gen/library/v1/library_pb.ts";
import { component, createMesh, implement, memory, meshPlugin } from "../../src/index.ts";
import type { CorsOptions } from "../../src/index.ts";
import { library } from "../support/library.ts";
import { startMesh } from "../support/mesh.ts";
import { RawHttp2 } from "../support/raw-http2.ts";

const page = "https://app.example.com";
const other = "https://evil.example.com";
const greetPath = "/greet.v1.GreetService/Greet";
const json = { "content-type": "application/json" };

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** One request as a browser would make it, over HTTP/1.1. */
function ask(
  address: string,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  body = "",
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asking = request(address + path, { method, headers, agent: false, timeout: 10_000 }, (res) => {
      let text = "";
      res.setEncoding("utf8").on("data", (piece: string) => (text += piece));
      res.on("end", () => {
        resolve({ status: res.statusCode, headers: res.headers, body: text });
      });
    });
    asking.on("error", reject);
    asking.end(body);
  });
}

function preflight(address: string, path: string, method = "POST", origin = page): Promise<Answer> {
  const headers = { origin, "access-control-request-method": method, "access-control-request-headers": "content-type" };
  return ask(address, "OPTIONS", path, headers);
}

/** The headers of an answer that say something about origins. */
function corsOf({ headers }: Pick<Answer, "headers">): IncomingHttpHeaders {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => name.startsWith("access-control-") || name === "vary"),
  );
}

function listOf(value: string | undefined): readonly string[] {
  return (value ?? "").toLowerCase().split(", ");
}

/** A mesh with RPCs and REST rules, and its address. */
async function open(cors: boolean | CorsOptions | undefined): Promise<string> {
  const books = component({ name: "library", services: [implement(LibraryService, library().implementation)] });
  const { mesh, address } = await startMesh({ cors, components: [greeter(), books] }, ({ http }) => {
    http.get("/own", async () => "mine");
  });
  onTestFinished(() => mesh.close());
  return address;
}

describe("a mesh with cors", () => {
  test("answers a preflight for an RPC with all that the protocols need", async () => {
    const { status, headers, body } = await preflight(await open(true), greetPath);
    expect([status, body]).toEqual([204, ""]);
    expect(headers["access-control-allow-origin"]).toBe("*");
    expect(headers["access-control-allow-credentials"]).toBeUndefined();
    expect(listOf(headers["access-control-allow-methods"])).toEqual(expect.arrayContaining(["get", "post"]));
    expect(listOf(headers["access-control-allow-headers"])).toEqual(
      expect.arrayContaining([
        "content-type",
        "connect-protocol-version",
        "connect-timeout-ms",
        "x-grpc-web",
        "x-user-agent",
        "grpc-timeout",
      ]),
    );
    expect(headers["access-control-max-age"]).toBe("7200");
    expect(headers["vary"]).toBeUndefined();
  });

  test("answers a preflight over HTTP/2", async () => {
    using raw = new RawHttp2(await open(true));
    const asked = { ":method": "OPTIONS", origin: page, "access-control-request-method": "POST" };
    const { status, headers } = await raw.call(greetPath, asked, "");
    expect(status).toBe(204);
    expect(headers).toMatchObject({ "access-control-allow-origin": "*" });
  });

  test.each([
    ["a method that has side effects", "/greet.v1.GreetService/Collect", "POST", ["post"]],
    ["a method that is not there, so that the page hears of it", "/greet.v1.GreetService/Nope", "POST", ["post"]],
    ["a REST rule", "/v1/greet/Ada", "GET", ["get"]],
    ["a REST rule of another HTTP method", "/v1/shelves/a/books/b", "DELETE", ["delete"]],
    ["a REST path without this HTTP method", "/v1/shelves/a/books/b", "POST", ["delete", "get", "head", "patch"]],
    ["a health endpoint", "/health", "GET", ["get", "head"]],
  ])("says what is allowed for %s", async (_what, path, method, methods) => {
    const answer = await preflight(await open(true), path, method);
    expect(answer.status).toBe(204);
    expect(corsOf(answer)["access-control-allow-origin"]).toBe("*");
    expect(listOf(answer.headers["access-control-allow-methods"])).toEqual(methods);
  });

  test.each([
    ["an RPC", "POST", greetPath, json, '{"name":"Ada"}', 200],
    ["an RPC by GET", "GET", `${greetPath}?connect=v1&encoding=json&message=%7B%7D`, {}, "", 200],
    ["an RPC that fails", "POST", greetPath, json, '{"name":1}', 400],
    ["an RPC that is not there", "POST", "/greet.v1.GreetService/Nope", json, "{}", 404],
    ["a service that is not there", "POST", "/none.v1.None/Nope", { "content-type": "application/proto" }, "", 404],
    ["a gRPC-Web call", "POST", greetPath, { "content-type": "application/grpc-web+proto" }, "\0\0\0\0\0", 200],
    ["a REST call", "GET", "/v1/greet/Ada", {}, "", 200],
    ["a REST call that fails", "GET", "/v1/shelves/a/books/b", {}, "", 404],
    ["a REST call with the wrong method", "DELETE", "/v1/greet/Ada", {}, "", 405],
    ["a health check", "GET", "/health", {}, "", 200],
    ["the OpenAPI document", "GET", "/openapi.json", {}, "", 200],
  ])("lets a page read the answer of %s", async (_what, method, path, headers, body, status) => {
    const answer = await ask(await open(true), method, path, { ...headers, origin: page }, body);
    expect(answer.status).toBe(status);
    expect(answer.headers["access-control-allow-origin"]).toBe("*");
    expect(listOf(answer.headers["access-control-expose-headers"])).toEqual(
      expect.arrayContaining(["grpc-status", "grpc-message", "grpc-status-details-bin"]),
    );
  });

  test.each([
    ["routes of the app", "GET", "/own", 200],
    ["paths that nobody has", "GET", "/nowhere", 404],
  ])("says nothing about %s", async (_what, method, path, status) => {
    const address = await open(true);
    expect(await ask(address, method, path, { origin: page })).toMatchObject({ status });
    expect(corsOf(await ask(address, method, path, { origin: page }))).toEqual({});
    expect((await preflight(address, path, method)).status).toBe(404);
  });

  test("takes OPTIONS without a question for what it is", async () => {
    const address = await open(true);
    expect((await ask(address, "OPTIONS", greetPath, { origin: page })).status).toBe(405);
    expect((await ask(address, "OPTIONS", greetPath, { "access-control-request-method": "POST" })).status).toBe(405);
  });
});

describe("cors for certain origins", () => {
  const origins = [page, "http://localhost:5173"];

  test("names the origin of a page that may call, and tells caches", async () => {
    const address = await open({ origins });
    for (const origin of origins) {
      expect(corsOf(await preflight(address, greetPath, "POST", origin))).toMatchObject({
        "access-control-allow-origin": origin,
        vary: "origin",
      });
      expect(corsOf(await ask(address, "POST", greetPath, { ...json, origin }, "{}"))).toMatchObject({
        "access-control-allow-origin": origin,
        vary: "origin",
      });
    }
  });

  test.each([other, "null", "https://app.example.com:8443", "http://app.example.com", "https://APP.example.com"])(
    "gives a page of %s nothing, and tells caches",
    async (origin) => {
      const address = await open({ origins });
      expect(corsOf(await preflight(address, greetPath, "POST", origin))).toEqual({ vary: "origin" });
      expect(corsOf(await ask(address, "POST", greetPath, { ...json, origin }, "{}"))).toEqual({ vary: "origin" });
    },
  );

  test("tells caches also when nobody asked", async () => {
    const address = await open({ origins });
    expect(corsOf(await ask(address, "GET", "/v1/greet/Ada"))).toEqual({ vary: "origin" });
    expect(corsOf(await ask(address, "GET", "/health"))).toEqual({ vary: "origin" });
  });

  test("keeps what an answer depends on besides", async () => {
    const headers = { origin: page, "accept-encoding": "gzip" };
    const answer = await ask(await open({ origins }), "GET", `/v1/greet/${"Ada".repeat(1_000)}`, headers);
    expect(answer.headers["content-encoding"]).toBe("gzip");
    expect(listOf(answer.headers["vary"]).toSorted()).toEqual(["accept-encoding", "origin"]);
  });

  test("can be asked of a function, and can let cookies in", async () => {
    const address = await open({ origins: (origin) => origin.endsWith(".example.com"), credentials: true });
    expect(corsOf(await preflight(address, greetPath))).toMatchObject({
      "access-control-allow-origin": page,
      "access-control-allow-credentials": "true",
    });
    expect(corsOf(await preflight(address, greetPath, "POST", "https://example.org"))).toEqual({ vary: "origin" });
  });

  test("adds the headers of the application, and its trailers", async () => {
    const address = await open({ allowedHeaders: ["Authorization"], exposedHeaders: ["X-Answer"], maxAgeMs: 60_500 });
    const asked = corsOf(await preflight(address, greetPath));
    expect(listOf(asked["access-control-allow-headers"])).toContain("authorization");
    expect(asked["access-control-max-age"]).toBe("60");
    const answered = corsOf(await ask(address, "POST", greetPath, { ...json, origin: page }, "{}"));
    expect(listOf(answered["access-control-expose-headers"])).toEqual(
      expect.arrayContaining(["x-answer", "trailer-x-answer"]),
    );
  });

  test.each<readonly [CorsOptions, string]>([
    [{ origins: ["app.example.com"] }, "app.example.com"],
    [{ origins: ["https://app.example.com/"] }, "https://app.example.com/"],
    [{ origins: ["https://app.example.com:443"] }, "https://app.example.com:443"],
    [{ origins: ["https://*.example.com"] }, "https://*.example.com"],
    [{ origins: ["*"] }, "*"],
    [{ credentials: true }, "cors.credentials"],
  ])("refuses what browsers never match: %j", (cors, named) => {
    expect(() => createMesh({ registry: memory(), cors })).toThrow(named);
  });
});

describe("a mesh without cors", () => {
  test.each([undefined, false])("says nothing to browsers: %s", async (cors) => {
    const address = await open(cors);
    expect((await preflight(address, greetPath)).status).toBe(405);
    expect((await preflight(address, "/v1/greet/Ada", "GET")).status).toBe(405);
    for (const path of ["/v1/greet/Ada", "/health"]) {
      expect(corsOf(await ask(address, "GET", path, { origin: page }))).toEqual({});
    }
  });
});

describe("a mesh with cors in a Fastify app", () => {
  let address: string;
  let close: () => Promise<void>;

  beforeAll(async () => {
    const mesh = createMesh({ registry: memory(), components: [greeter()], cors: { origins: [page] }, drain: { drainDelayMs: 0 } });
    const app = fastify();
    app.get("/own", async () => "mine");
    await app.register(meshPlugin, { mesh });
    address = await app.listen({ port: 0, host: "127.0.0.1" });
    close = async () => {
      await mesh.close();
      await app.close();
    };
  });

  afterAll(() => close());

  test.each([
    ["an RPC", greetPath, "POST"],
    ["a REST rule", "/v1/greet/Ada", "GET"],
    ["a health endpoint", "/readyz", "GET"],
  ])("answers preflights for %s", async (_what, path, method) => {
    const answer = await preflight(address, path, method);
    expect(answer.status).toBe(204);
    expect(corsOf(answer)).toMatchObject({ "access-control-allow-origin": page, vary: "origin" });
    expect(listOf(answer.headers["access-control-allow-methods"])).toContain(method.toLowerCase());
  });

  test("lets pages read answers, and leaves the app's own routes alone", async () => {
    const allowed = { "access-control-allow-origin": page, vary: "origin" };
    expect(corsOf(await ask(address, "POST", greetPath, { ...json, origin: page }, "{}"))).toMatchObject(allowed);
    expect(corsOf(await ask(address, "GET", "/v1/greet/Ada", { origin: page }))).toMatchObject(allowed);
    expect(corsOf(await ask(address, "GET", "/health", { origin: page }))).toMatchObject(allowed);
    expect(corsOf(await ask(address, "GET", "/own", { origin: page }))).toEqual({});
    expect((await preflight(address, "/own", "GET")).status).toBe(404);
  });
});
