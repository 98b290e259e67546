import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectForeign, startForeign } from "../support/foreign.ts";
import { root } from "../support/pages.ts";
import { must } from "../support/toolchain.ts";
import { goClient } from "./go/go.ts";

const program = await goClient();

/** The wires of the client, what they call themselves in headers, and the HTTP method that reads. */
const wires = [
  ["connect", "application/proto", "POST"],
  ["connect/1", "application/proto", "POST"],
  ["connect-json", "application/json", "POST"],
  ["connect-get", null, "GET"],
  ["grpc", "application/grpc", "POST"],
  ["grpc-web", "application/grpc-web+proto", "POST"],
  ["grpc-web/1", "application/grpc-web+proto", "POST"],
  ["grpc-web-json", "application/grpc-web+json", "POST"],
  ["grpc-go", "application/grpc", "POST"],
] as const;

describe.skipIf(program === undefined)("clients in Go", () => {
  let directory: string;
  let image: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "connect-mesh-go-"));
    image = join(directory, "image.binpb");
    const buf = join(root, "node_modules", ".bin", "buf");
    await must(buf, ["build", root, "--path", join(root, "proto", "greet"), "--output", image]);
  });

  afterAll(() => rm(directory, { recursive: true }));

  // Each with a mesh of its own: they mostly wait for deadlines.
  test.concurrent.each(wires)("make calls of all kinds over %s", async (wire, contentType, http) => {
    await using server = await startForeign();
    const args = [`127.0.0.1:${server.port}`, image, wire];
    const { stdout } = await must(program ?? "", args, { timeoutMs: 50_000 });
    await expectForeign(server, JSON.parse(stdout), { bidi: !wire.endsWith("/1"), gzip: http === "POST" });
    expect(server.seen.get("unary")).toMatchObject({ contentType, http });
  });
});
