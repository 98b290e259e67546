import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectForeign, failureText, startForeign } from "../support/foreign.ts";
import type { Foreign } from "../support/foreign.ts";
import { must } from "../support/toolchain.ts";
import { python } from "./python/python.ts";

const binary = await python();

describe.skipIf(binary === undefined)("Python without an RPC library", () => {
  let server: Foreign;

  beforeAll(async () => {
    server = await startForeign();
  });

  afterAll(() => server.mesh.close());

  async function run(script: string, ...args: readonly string[]): Promise<unknown> {
    const path = join(import.meta.dirname, "python", script);
    const { stdout } = await must(binary ?? "", [path, server.address, ...args], { timeoutMs: 50_000 });
    return JSON.parse(stdout);
  }

  test.each(["json", "msgpack"])("makes Connect calls with messages in %s", async (format) => {
    server.spoken.clear();
    const report = await run("connect_client.py", format);
    await expectForeign(server, report, { bidi: false, cancel: false });
    expect([...server.spoken]).toEqual([`POST application/${format}`, `POST application/connect+${format}`]);
  });

  test("sends and reads values of every kind in MessagePack, as docs/msgpack.md has them", async () => {
    expect(await run("msgpack_client.py")).toEqual({
      same: true,
      order: "name title author genre pages tags copies translations added archived rating cents".split(" "),
      again: true,
      put: { size: 256, contentType: "a/b" },
      file: true,
      checked: {},
    });
  });

  test("makes REST calls", async () => {
    const name = "shelves/p/books/py";
    const book = { name, title: "Python", copies: [{ number: "18446744073709551615" }] };
    const error = (status: number, code: number, message: string, details: unknown = []) => ({
      status,
      body: { code, message, details },
    });
    expect(await run("rest_client.py")).toEqual({
      greet: { status: 200, body: { message: "hello Ada / Bob", instance: server.id } },
      created: { status: 200, body: { ...book, title: "Py" } },
      twice: error(409, 6, `${name} is there already`),
      listed: { status: 200, body: { books: [{ ...book, title: "Py" }] } },
      changed: { status: 200, body: expect.objectContaining({ name, title: "Python" }) as unknown },
      tags: { status: 200, body: ["a", "b"] },
      archived: { status: 200, body: { book: expect.objectContaining({ name, archived: true }) as unknown } },
      wrong: error(400, 3, expect.stringContaining("pageSize") as unknown as string, [
        expect.objectContaining({ "@type": "type.googleapis.com/google.rpc.BadRequest" }),
      ]),
      late: expect.objectContaining({ status: 504 }) as unknown,
      failed: error(400, 9, failureText, [
        {
          "@type": "type.googleapis.com/google.rpc.ErrorInfo",
          reason: "BROKEN",
          domain: "greeter.example",
          metadata: { part: "ü" },
        },
        {
          "@type": "type.googleapis.com/google.rpc.BadRequest",
          fieldViolations: [{ field: "name", description: "too good" }],
        },
      ]),
      deleted: { status: 200, body: {} },
      missing: expect.objectContaining({ status: 404 }) as unknown,
      nowhere: error(404, 5, expect.stringContaining("/v1/nowhere") as unknown as string),
      put: { status: 200, body: { size: "5120", contentType: "image/png" } },
      got: [200, "image/png", true],
      zipped: [200, "gzip", `hello ${"Ada".repeat(1_000)}`],
      watched: [
        200,
        "application/x-ndjson",
        [{ result: { book: expect.objectContaining({ title: "Naïve" }) as unknown, index: 1 } }],
      ],
      imported: { status: 200, body: { names: ["shelves/q/books/one", "shelves/q/books/two"] } },
    });
  });
});
