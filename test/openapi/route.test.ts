import { readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import fastify from "fastify";
import { afterEach, describe, expect, test, vi } from "vitest";
import { GreetService } from "../../gen/greet/v1/greet_pb.ts";
import { LibraryService } from "../../gen/library/v1/library_pb.ts";
import { greeter } from "../../examples/greeter/greeter.ts";
import { component, createMesh, implement, memory, meshPlugin } from "../../src/index.ts";
import type { OpenApiDocument } from "../../src/openapi/model.ts";
import { library } from "../support/library.ts";
import { startMesh } from "../support/mesh.ts";
import { lintProblems, schemaErrors } from "./check.ts";

const books = (channels?: readonly string[]) =>
  component({
    name: "books",
    version: "2.1.0",
    services: [implement(LibraryService, library().implementation)],
    channels,
  });

async function get(address: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${address}/openapi.json`, { headers });
}

async function documentOf(address: string): Promise<OpenApiDocument> {
  const response = await get(address);
  expect(response.status).toBe(200);
  return (await response.json()) as OpenApiDocument;
}

afterEach(() => {
  vi.unstubAllEnvs();
});

describe("/openapi.json", () => {
  test("is the document of all components, and names them", async () => {
    await using server = await startMesh({ components: [books()] });
    const document = await documentOf(server.address);
    expect(document.info).toEqual({ title: "books", version: "2.1.0" });
    expect(document.paths["/v1/shelves"]?.get?.operationId).toBe("LibraryService_ListShelves");
    expect(await schemaErrors(document)).toEqual([]);
    const license = { name: "Apache-2.0", identifier: "Apache-2.0" };
    expect(await lintProblems({ ...document, info: { ...document.info, license } })).toEqual([]);
  });

  test("has an ETag, and is not sent again to whoever has it", async () => {
    await using server = await startMesh({ components: [books()] });
    const first = await get(server.address);
    const etag = first.headers.get("etag") ?? "";
    expect(etag).toMatch(/^"[\w-]{43}"$/);
    expect(first.headers.get("content-type")).toBe("application/json; charset=utf-8");
    expect(first.headers.get("cache-control")).toBe("no-cache");
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
      const again = await get(server.address, { "if-none-match": known });
      expect([again.status, again.headers.get("etag"), await again.text()]).toEqual([304, etag, ""]);
    }
    expect((await get(server.address, { "if-none-match": '"other"' })).status).toBe(200);
    // Another process of the same components has the same document.
    await using other = await startMesh({ components: [books()] });
    expect((await get(other.address)).headers.get("etag")).toBe(etag);
  });

  test("shows only what the channels of a component offer", async () => {
    await using server = await startMesh({
      components: [books(["json"]), greeter()],
      openapi: { connect: true },
    });
    const { paths, info } = await documentOf(server.address);
    expect(info).toEqual({ title: "books, greeter", version: "0.0.0" });
    expect(Object.keys(paths).filter((path) => path.startsWith("/v1/"))).toEqual(["/v1/greet/{name}"]);
    const content = paths["/library.v1.LibraryService/CreateBook"]?.post?.requestBody?.content;
    expect(Object.keys(content ?? {})).toEqual(["application/json"]);
  });

  test("leaves Connect out for components that no described format reaches", async () => {
    await using server = await startMesh({ components: [books(["grpc", "protobuf"])], openapi: { connect: true } });
    expect((await documentOf(server.address)).paths).toEqual({});
  });

  test("takes the options of the mesh", async () => {
    await using server = await startMesh({
      openapi: { info: { title: "Greetings" }, include: ({ name }) => name !== "Greet", connect: true },
    });
    const { paths, info } = await documentOf(server.address);
    expect(info.title).toBe("Greetings");
    expect(Object.keys(paths)).not.toContain("/v1/greet/{name}");
    expect(Object.keys(paths)).toContain("/greet.v1.GreetService/Chat");
  });

  test("is not there when it is off", async () => {
    await using server = await startMesh({ openapi: false });
    expect((await get(server.address)).status).toBe(404);
  });

  test("is not there in production, unless asked for", async () => {
    vi.stubEnv("NODE_ENV", "production");
    await using without = await startMesh();
    expect((await get(without.address)).status).toBe(404);
    await using asked = await startMesh({ openapi: true });
    expect((await get(asked.address)).status).toBe(200);
  });

  test("is not there for a mesh of clients", async () => {
    await using server = await startMesh({ components: [] });
    expect((await get(server.address)).status).toBe(404);
  });

  test("gives way to a route of the app", async () => {
    await using server = await startMesh({}, ({ http }) => {
      http.get("/openapi.json", async () => "mine");
    });
    expect(await (await get(server.address)).text()).toBe("mine");
  });

  test("is in a Fastify app that the mesh is mounted in", async () => {
    const mesh = createMesh({ registry: memory(), components: [greeter()], drain: { drainDelayMs: 0 } });
    const app = fastify();
    await app.register(meshPlugin, { mesh });
    const address = await app.listen({ port: 0, host: "127.0.0.1" });
    try {
      const { paths } = await documentOf(address);
      expect(Object.keys(paths)).toEqual(["/v1/greet/{name}"]);
      expect(paths["/v1/greet/{name}"]?.get?.tags).toEqual([GreetService.name]);
    } finally {
      await mesh.close();
      await app.close();
    }
  });
});

test("what makes the document is loaded with the first request for it, and validation rules never", () => {
  const root = resolve(import.meta.dirname, "../..");
  const reached = new Set<string>();
  const visit = (file: string): void => {
    if (reached.has(file)) return;
    reached.add(file);
    const text = readFileSync(file, "utf8");
    for (const [, to = ""] of text.matchAll(/^(?:import(?! type)|export(?! type))[^;]*? from "(\.[^"]+)"/gms)) {
      visit(join(dirname(file), to));
    }
  };
  const loaded = (entry: string): readonly string[] => {
    reached.clear();
    visit(join(root, entry));
    return [...reached].map((file) => relative(root, file));
  };
  expect(loaded("src/openapi/route.ts")).toEqual(["src/openapi/route.ts", "src/openapi/of-components.ts"]);
  const all = loaded("src/openapi/openapi.ts");
  expect(all.length).toBeGreaterThan(20);
  expect(all).not.toContain("gen/buf/validate/validate_pb.ts");
});
