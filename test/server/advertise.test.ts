import { networkInterfaces } from "node:os";
import { describe, expect, test } from "vitest";
import { GreetService } from "../../gen/greet/v1/greet_pb.ts";
import { memory, reasonOf } from "../../src/index.ts";
import { advertisedAddress } from "../../src/server/advertise.ts";
import { startMesh } from "../support/mesh.ts";
import { failure } from "../support/outcome.ts";

const bound = { address: "127.0.0.1", family: "IPv4", port: 8080 };
const own = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ internal, family }) => !internal && family === "IPv4")?.address;

describe("the advertised address", () => {
  test.each([
    ["is what is bound", bound, undefined, "http://127.0.0.1:8080"],
    ["is a unix socket", "/run/greeter.sock", undefined, "unix:/run/greeter.sock"],
    ["has brackets around IPv6", { ...bound, address: "::1" }, undefined, "http://[::1]:8080"],
    ["takes a host", bound, { host: "greeter.internal" }, "http://greeter.internal:8080"],
    ["takes an IPv6 host", bound, { host: "fd00::1" }, "http://[fd00::1]:8080"],
    ["takes a port", bound, { port: 80 }, "http://127.0.0.1:80"],
    ["takes both, whatever is bound", { ...bound, address: "0.0.0.0" }, { host: "a", port: 1 }, "http://a:1"],
  ])("%s", (_what, address, advertise, expected) => {
    expect(advertisedAddress(address, advertise)).toBe(expected);
  });

  test.runIf(own !== undefined)("of a wildcard is this machine's own", () => {
    for (const address of ["0.0.0.0", "::"]) {
      expect(advertisedAddress({ ...bound, address })).toBe(`http://${own}:8080`);
    }
  });
});

describe("a mesh that listens on a wildcard", () => {
  test("is reached on every address, and advertises what it is told", async () => {
    const registry = memory();
    await using server = await startMesh({
      registry,
      listen: { host: "0.0.0.0", advertise: { host: "127.0.0.1" } },
    });
    expect(server.address).toBe(`http://127.0.0.1:${server.port}`);
    expect((await fetch(`${server.address}/livez`)).status).toBe(200);
    await using caller = await startMesh({ registry, components: [], listen: undefined });
    const answer = await caller.mesh.client(GreetService).greet({ name: "Ada" });
    expect(answer.instance).toBe(server.id);
  });

  test("advertises its own address, or says that it has none", async () => {
    if (own === undefined) {
      const error = await failure(startMesh({ listen: { host: "0.0.0.0" } }));
      expect(reasonOf(error)).toBe("INVALID_CONFIGURATION");
      expect(error.rawMessage).toContain("listen.advertise.host");
      return;
    }
    await using server = await startMesh({ listen: { host: "0.0.0.0" } });
    expect(server.address).toBe(`http://${own}:${server.port}`);
  });
});

test("host and port that are advertised are what the registry tells, not what is bound", async () => {
  const registry = memory();
  const advertise = { host: "greeter.internal", port: 80 };
  await using server = await startMesh({ registry, listen: { advertise } });
  expect(server.mesh.address).toBe("http://greeter.internal:80");
  const target = { service: GreetService.typeName };
  for await (const { instances } of registry.watch(target, AbortSignal.timeout(5_000))) {
    expect(instances.map(({ channels }) => channels["protobuf"])).toEqual(["http://greeter.internal:80"]);
    break;
  }
});
