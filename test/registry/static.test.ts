import { Code } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { instance } from "../../src/contract/instance.ts";
import type { Registry, Snapshot, Target } from "../../src/registry/registry.ts";
import { type StaticAddresses, staticRegistry } from "../../src/registry/static.ts";
import { within } from "../../src/testing/until.ts";

const service = "mesh.test.v1.GreetService";

async function look(registry: Registry, target: Target): Promise<Snapshot> {
  for await (const snapshot of registry.watch(target, new AbortController().signal)) {
    return snapshot;
  }
  throw new Error("the watch ended");
}

async function ids(registry: Registry, target: Target): Promise<readonly string[]> {
  return (await look(registry, target)).instances.map((of) => of.id);
}

describe("static registry", () => {
  it("offers the default channels at each plain address", async () => {
    const registry = staticRegistry({ greeter: ["http://127.0.0.1:4001"] });
    const address = "http://127.0.0.1:4001";
    expect(await look(registry, { service, component: "greeter" })).toEqual({
      instances: [
        instance({
          id: address,
          component: "greeter",
          services: [service],
          channels: { protobuf: address, json: address, grpc: address, "grpc-web": address },
        }),
      ],
    });
  });

  it("offers the channels of its options instead", async () => {
    const registry = staticRegistry({ greeter: ["unix:/run/greeter.sock"] }, { channels: ["grpc"] });
    const { instances } = await look(registry, { service, component: "greeter" });
    expect(instances[0]?.channels).toEqual({ grpc: "unix:/run/greeter.sock" });
  });

  it("takes instances with channels, weight, zone and id of their own", async () => {
    const own = {
      id: "primary",
      version: "2.0.0",
      channels: { grpc: "https://greeter.test:443", rest: "http://greeter.test:80/" },
      weight: 3,
      warningWeight: 2,
      zone: "a",
      metadata: { rack: "7" },
    };
    const registry = staticRegistry({ [service]: [own] });
    expect((await look(registry, { service, component: "greeter" })).instances).toEqual([
      {
        ...own,
        channels: { grpc: "https://greeter.test:443", rest: "http://greeter.test:80" },
        component: "greeter",
        services: [service],
        health: "ok",
      },
    ]);
  });

  it("matches a component's key whatever the service, and no other component", async () => {
    const registry = staticRegistry({ greeter: ["http://a:1"] });
    expect(await ids(registry, { service, component: "greeter" })).toEqual(["http://a:1"]);
    expect(await ids(registry, { service: "x.Y", component: "greeter" })).toEqual(["http://a:1"]);
    expect(await ids(registry, { service, component: "other" })).toEqual([]);
    expect(await ids(registry, { service })).toEqual([]);
  });

  it("matches a service's key whatever the component, and no other service", async () => {
    const registry = staticRegistry({ [service]: ["http://a:1"] });
    expect(await ids(registry, { service })).toEqual(["http://a:1"]);
    expect(await ids(registry, { service, component: "any" })).toEqual(["http://a:1"]);
    expect(await ids(registry, { service: `${service}Two` })).toEqual([]);
  });

  it("puts the instances of both keys together, each address once, in order", async () => {
    const registry = staticRegistry({
      [service]: ["http://c:1", "http://a:1"],
      greeter: ["http://b:1", "http://a:1"],
    });
    const both = await ids(registry, { service, component: "greeter" });
    expect(both).toEqual(["http://a:1", "http://b:1", "http://c:1"]);
  });

  it("prefers what the component's key says of an id that both have", async () => {
    const channels = { grpc: "http://a:1" };
    const registry = staticRegistry({
      [service]: [{ id: "x", channels, weight: 5 }],
      greeter: [{ id: "x", channels, weight: 3 }],
    });
    const { instances } = await look(registry, { service, component: "greeter" });
    expect(instances.map((of) => of.weight)).toEqual([3]);
  });

  it("yields one snapshot and stays open until the signal aborts", async () => {
    const stop = new AbortController();
    const watch = staticRegistry({}).watch({ service }, stop.signal)[Symbol.asyncIterator]();
    expect((await watch.next()).value).toEqual({ instances: [] });
    let ended = false;
    const end = watch.next().then((next) => {
      ended = true;
      return next;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(ended).toBe(false);
    stop.abort();
    expect((await within(() => end)).done).toBe(true);
    const late = staticRegistry({}).watch({ service }, stop.signal)[Symbol.asyncIterator]();
    expect((await late.next()).done).toBe(true);
  });

  it("lets a component register, and changes nothing", async () => {
    const registry = staticRegistry({ greeter: ["http://a:1"] });
    const of = instance({ id: "x-1", component: "greeter", services: [service], channels: {} });
    const lease = await registry.register(of);
    await lease.setHealth("error", "no matter");
    expect(await ids(registry, { service, component: "greeter" })).toEqual(["http://a:1"]);
    await lease[Symbol.asyncDispose]();
    await lease[Symbol.asyncDispose]();
    await expect(registry.register(of, AbortSignal.abort())).rejects.toThrow(/abort/);
  });

  it.each(["http://[::1]:80", "https://h", "unix:/a/b", "unix:///a/b", "http://10.0.0.1:8080/"])(
    "takes %s",
    (address) => {
      staticRegistry({ greeter: [address] });
    },
  );

  it.each([
    "",
    "127.0.0.1:80",
    "http:/h:80",
    "http://h:99999",
    "http://",
    "ftp://h:80",
    "http://user:secret@h:80",
    "http://h:80/path",
    "http://h:80?query",
    "unix:relative",
    "unix://host/a",
    "unix:/",
    "dns:///h:80",
  ])("refuses the address %j and names the key", (address) => {
    expect(() => staticRegistry({ greeter: [address] })).toThrow(/greeter.*is not an address/);
  });

  it.each<[string, StaticAddresses, RegExp]>([
    ["a key that is no name", { "not a name": [] }, /not a name.*key must be/],
    ["an empty key", { "": [] }, /"".*key must be/],
    ["an instance without channels", { greeter: [{ channels: {} }] }, /greeter.*one channel/],
    ["the same address twice", { greeter: ["http://a:1", "http://a:1"] }, /greeter.*is there twice/],
    [
      "a weight that is not one",
      { greeter: [{ channels: { grpc: "http://a:1" }, weight: -1 }] },
      /greeter.*weight must be/,
    ],
    [
      "something that is not a list",
      { greeter: "http://a:1" } as unknown as StaticAddresses,
      /greeter.*list/,
    ],
  ])("refuses %s", (_what, addresses, message) => {
    const make = (): Registry => staticRegistry(addresses);
    expect(make).toThrow(message);
    expect(make).toThrow(expect.objectContaining({ code: Code.InvalidArgument }));
  });
});
