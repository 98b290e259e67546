import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { instance } from "../../src/contract/instance.ts";
import { type MeshEvents, subscribe } from "../../src/events.ts";
import { memory } from "../../src/registry/memory.ts";
import type { Snapshot } from "../../src/registry/registry.ts";
import { testRegistry } from "../../src/testing/registry.ts";

const service = "mesh.test.v1.MemoryService";
const one = instance({
  id: "one-1",
  component: "one",
  services: [service],
  channels: { protobuf: "http://127.0.0.1:4001" },
});

async function first(registry: ReturnType<typeof memory>): Promise<Snapshot | undefined> {
  for await (const snapshot of registry.watch({ service }, new AbortController().signal)) {
    return snapshot;
  }
  return undefined;
}

describe("memory registry", () => {
  describe("conforms", () => {
    const create = async () => {
      const registry = memory();
      return { registry, other: registry, [Symbol.asyncDispose]: async () => {} };
    };
    for (const of of testRegistry({ create })) it(of.name, of.run);
  });

  it("is independent of every other memory registry", async () => {
    const [a, b] = [memory(), memory()];
    await a.register(one);
    await b.register(one);
    expect((await first(memory()))?.instances).toEqual([]);
    expect((await first(b))?.instances).toEqual([one]);
  });

  it("refuses an id that is registered already", async () => {
    const registry = memory();
    const lease = await registry.register(one);
    const refused = await registry.register(one).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(ConnectError);
    expect((refused as ConnectError).code).toBe(Code.AlreadyExists);
    await lease[Symbol.asyncDispose]();
    await registry.register(one);
  });

  it("refuses what is not an instance, with the name of the field", async () => {
    const refused = memory().register({ ...one, weight: 1.5 });
    await expect(refused).rejects.toThrow(/cannot be registered: weight must be an integer/);
    await expect(refused).rejects.toMatchObject({ code: Code.InvalidArgument });
  });

  it("keeps what was registered when the caller's object changes", async () => {
    const registry = memory();
    const metadata = { colour: "red" };
    await registry.register({ ...one, metadata });
    metadata.colour = "blue";
    expect((await first(registry))?.instances[0]?.metadata).toEqual({ colour: "red" });
  });

  it("tells of each registration and each release once", async () => {
    const events: Array<MeshEvents["registry.lease"]> = [];
    const end = subscribe("registry.lease", (event) => events.push(event));
    try {
      const lease = await memory().register(one);
      await lease[Symbol.asyncDispose]();
      await lease[Symbol.asyncDispose]();
    } finally {
      end();
    }
    expect(events).toEqual([
      { registry: "memory", instance: one, state: "registered" },
      { registry: "memory", instance: one, state: "released" },
    ]);
  });
});
