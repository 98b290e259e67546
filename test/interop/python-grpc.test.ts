import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, test } from "vitest";
import { expectForeign, startForeign } from "../support/foreign.ts";
import type { Foreign } from "../support/foreign.ts";
import { must } from "../support/toolchain.ts";
import { generatePython, python } from "./python/python.ts";

const binary = await python();

describe.skipIf(binary === undefined)("grpcio, the gRPC of Python", () => {
  let server: Foreign;
  let generated: string;

  beforeAll(async () => {
    server = await startForeign();
    generated = await mkdtemp(join(tmpdir(), "connect-mesh-python-"));
    await generatePython(binary ?? "", generated, "greet/v1/greet.proto", "mesh/v1/options.proto");
  });

  afterAll(async () => {
    await server.mesh.close();
    await rm(generated, { recursive: true });
  });

  test("makes calls of all kinds, with metadata, deadlines, compression, errors and their details", async () => {
    const script = join(import.meta.dirname, "python", "grpc_client.py");
    const { stdout } = await must(binary ?? "", [script, `127.0.0.1:${server.port}`, generated], { timeoutMs: 50_000 });
    await expectForeign(server, JSON.parse(stdout));
  });
});
