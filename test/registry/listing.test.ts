import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Code } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { file } from "../../src/registry/file.ts";
import { registryFromEnv, registryFromText } from "../../src/registry/from-env.ts";
import { memory } from "../../src/registry/memory.ts";
import { isListable } from "../../src/registry/registry.ts";
import { staticRegistry } from "../../src/registry/static.ts";
import { Place, one } from "../fixtures/file-registry.ts";

describe("what a registry lists", () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "listing-test-"));
  });
  afterEach(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  it("is known of a registry, and lacking in one that only watches", () => {
    expect(isListable(memory())).toBe(true);
    expect(isListable(Object.assign(memory(), { list: undefined }))).toBe(false);
  });

  it("is nothing in a directory that is not there, and does not make it", async () => {
    const missing = join(directory, "leases");
    expect(await file({ directory: missing }).list()).toEqual([]);
    await expect(stat(missing)).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("is an error when the directory cannot be read", async () => {
    const broken = file({ directory: join(import.meta.dirname, "listing.test.ts") });
    await expect(broken.list()).rejects.toMatchObject({ code: Code.InvalidArgument });
  });

  it("leaves out leases without a sign of life", async () => {
    await using place = await Place.make();
    await place.register(place.registry(), one("one-1"));
    await place.forge("one-2", { processStart: 1 });
    await place.forge("one-3", {}, 120_000);
    expect((await file({ directory: place.path }).list()).map(({ id }) => id)).toEqual(["one-1"]);
  });

  it("is each static key's instances, a service only where the key is one", async () => {
    const registry = staticRegistry({
      greeter: ["http://127.0.0.1:4002"],
      "shop.v1.ShopService": [{ id: "a", channels: { grpc: "https://shop.example:443" } }],
    });
    const listed = await registry.list();
    expect(listed.map(({ id, component, services }) => [id, component, services])).toEqual([
      ["a", "shop.v1.ShopService", ["shop.v1.ShopService"]],
      ["http://127.0.0.1:4002", "greeter", []],
    ]);
    await expect(registry.list(AbortSignal.abort(new Error("stop")))).rejects.toThrow("stop");
  });

  it("comes from a registry that is named in the form of MESH_REGISTRY", async () => {
    const path = join(directory, "leases");
    await using _lease = await registryFromText(`file:${path}`, "x").register(one("one-1"));
    const listed = await registryFromEnv({ MESH_REGISTRY: `file:${path}` }).list();
    expect(listed).toEqual([one("one-1")]);
    expect(() => registryFromText("etcd:", "--registry")).toThrow('--registry is "etcd:"; use consul:');
    expect(() => registryFromEnv({ MESH_REGISTRY: "etcd:" })).toThrow('MESH_REGISTRY is "etcd:"');
  });
});
