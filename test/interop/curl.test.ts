import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startMesh } from "../support/mesh.ts";
import type { StartedMesh } from "../support/mesh.ts";
import { present, run } from "../support/run.ts";

const hasCurl = await present("curl", "install it from the system's packages");
const greetPath = "/greet.v1.GreetService/Greet";

let server: StartedMesh;

beforeAll(async () => {
  server = await startMesh();
});

afterAll(() => server.mesh.close());

/** What curl got: the status, the HTTP version and the body. */
async function curl(path: string, ...args: string[]) {
  const told = ["--silent", "--show-error", "--max-time", "10", "--write-out", "\n%{http_code} %{http_version}"];
  const { stdout } = await run("curl", [...told, ...args, `${server.address}${path}`]);
  const end = stdout.lastIndexOf("\n");
  const [status, version] = stdout.slice(end + 1).split(" ");
  return { status: Number(status), version, body: stdout.slice(0, end) };
}

const json = ["--header", "content-type: application/json"];
const versions = [
  ["HTTP/1.1", "1.1", ["--http1.1"]],
  ["HTTP/2", "2", ["--http2-prior-knowledge"]],
  // Asks to upgrade to h2c, which RFC 9113 took out, and goes on with HTTP/1.1.
  ["an upgrade that is not taken", "1.1", ["--http2"]],
] as const;

describe.skipIf(!hasCurl).each(versions)("curl over %s", (_name, version, flags) => {
  test("posts JSON to a unary method", async () => {
    const answer = await curl(greetPath, ...flags, ...json, "--data", '{"name":"Ada"}');
    expect(answer).toMatchObject({ status: 200, version });
    expect(JSON.parse(answer.body)).toEqual({ message: "hello Ada", instance: server.id });
  });

  test("gets from a method without side effects", async () => {
    const query = `connect=v1&encoding=json&message=${encodeURIComponent('{"name":"Ada"}')}`;
    const answer = await curl(`${greetPath}?${query}`, ...flags);
    expect(answer).toMatchObject({ status: 200, version });
    expect(JSON.parse(answer.body)).toEqual({ message: "hello Ada", instance: server.id });
  });

  test("reads an error as JSON with its HTTP status", async () => {
    const answer = await curl(greetPath, ...flags, ...json, "--data", '{"name":1}');
    expect(answer).toMatchObject({ status: 400, version });
    expect(JSON.parse(answer.body)).toMatchObject({ code: "invalid_argument" });
  });

  test("gets gzip when it accepts it, and sends it", async () => {
    const name = "Ada ".repeat(1_000);
    const data = JSON.stringify({ name });
    const answer = await curl(greetPath, ...flags, ...json, "--compressed", "--data", data, "--include");
    expect(answer.body).toMatch(/content-encoding: (gzip|br)/i);
    expect(answer.body).toContain(`hello ${name}`);
  });

  test.each(["/livez", "/readyz", "/health"])("asks %s", async (path) => {
    const answer = await curl(path, ...flags);
    expect(answer).toMatchObject({ status: 200, version });
    expect(JSON.parse(answer.body)).toMatchObject({ status: "pass" });
  });
});
