import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { greeter } from "../../examples/greeter/greeter.ts";
import { consul, createMesh, instance } from "../../src/index.ts";
import { until } from "../../src/testing/until.ts";
import { type ConsulAgent, hasConsul, startConsul } from "../support/consul-agent.ts";
import { mesh, World } from "./cli.ts";

const shop = {
  component: "shop",
  services: ["shop.v1.Orders", "shop.v1.Stock"],
  channels: { grpc: "http://10.0.0.7:50051", json: "unix:/run/shop.sock" },
};

describe("mesh ls", () => {
  let world: World;
  let hosted: { readonly id: string; readonly address: string };
  const leases: AsyncDisposable[] = [];
  beforeAll(async () => {
    world = await World.make();
    hosted = await world.host(greeter({ version: "1.2.3", zone: "zone-a", weight: 7 }));
    const sick = instance({ ...shop, id: "shop-2", weight: 20, warningWeight: 3 });
    const lease = await world.registry.register(sick);
    await lease.setHealth("warning");
    const dead = await world.registry.register(instance({ ...shop, id: "shop-1" }));
    await dead.setHealth("error");
    leases.push(lease, dead);
  });
  afterAll(async () => {
    for (const lease of leases) await lease[Symbol.asyncDispose]();
    await world[Symbol.asyncDispose]();
  });

  it("shows all instances in aligned columns, by component and id, those in error included", async () => {
    const { code, stdout, stderr } = await world.run(["ls"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const lines = stdout.trimEnd().split("\n");
    expect(lines.map((line) => line.split(/ {2,}/).slice(0, 7))).toEqual([
      ["COMPONENT", "VERSION", "INSTANCE", "HEALTH", "WEIGHT", "ZONE", "ADDRESS"],
      ["greeter", "1.2.3", hosted.id, "ok", "7", "zone-a", hosted.address],
      ["shop", "0.0.0", "shop-1", "error", "10", "-", "http://10.0.0.7:50051,unix:/run/shop.sock"],
      ["shop", "0.0.0", "shop-2", "warning", "3", "-", "http://10.0.0.7:50051,unix:/run/shop.sock"],
    ]);
    const column = lines[0]?.indexOf("SERVICES") ?? 0;
    expect(lines.map((line) => line.slice(column))).toEqual([
      "SERVICES",
      "greet.v1.GreetService",
      "shop.v1.Orders,shop.v1.Stock",
      "shop.v1.Orders,shop.v1.Stock",
    ]);
    expect(lines[2]).toContain("  grpc,json  ");
  });

  it("shows one component, as JSON in one line", async () => {
    const { code, stdout } = await world.run(["ls", "shop", "--json"]);
    expect(code).toBe(0);
    expect(stdout.endsWith("}\n")).toBe(true);
    expect(stdout.trimEnd()).not.toContain("\n");
    expect(JSON.parse(stdout)).toEqual({
      components: [
        {
          name: "shop",
          instances: [
            instance({ ...shop, id: "shop-1", health: "error" }),
            instance({ ...shop, id: "shop-2", health: "warning", weight: 20, warningWeight: 3 }),
          ],
        },
      ],
    });
  });

  it("fails for a component that has no instance", async () => {
    const { code, stdout, stderr } = await world.run(["ls", "greter"]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toBe(
      `not_found: no instance of component greter is in the registry ${world.where}; did you mean greeter?\n`,
    );
  });

  it("shows nothing that could steer a terminal", async () => {
    await using other = await World.make();
    await using _lease = await other.registry.register(
      instance({ ...shop, id: "shop-\u001B[31mred", zone: "a\nb\u009B2J" }),
    );
    const { stdout } = await other.run(["ls"]);
    expect(stdout).toContain("shop-\uFFFD[31mred");
    expect(stdout).toContain("a b\uFFFD2J");
    expect(stdout.trimEnd().split("\n")).toHaveLength(2);
    expect(stdout).not.toMatch(/[^\P{Cc}\n]/u);
  });

  it("says so when nothing is there, which is no failure", async () => {
    await using other = await World.make();
    const [people, programs] = await Promise.all([other.run(["ls"]), other.run(["ls", "--json"])]);
    expect(people).toEqual({ code: 0, stdout: "", stderr: `no instance is in the registry ${other.where}\n` });
    expect(programs).toEqual({ code: 0, stdout: '{"components":[]}\n', stderr: "" });
  });

  it("takes --registry over MESH_REGISTRY", async () => {
    const { stdout } = await mesh(["ls", "--registry", world.where], { env: { MESH_REGISTRY: "etcd:" } });
    expect(stdout).toContain(hosted.id);
  });

  it("fails when the registry cannot be asked, or does not answer in time", async () => {
    const gone = await mesh(["ls", "--registry", "consul://127.0.0.1:1", "--json"]);
    expect(gone).toMatchObject({ code: 1, stdout: "" });
    expect(JSON.parse(gone.stderr)).toMatchObject({
      code: "unavailable",
      details: [{ type: "google.rpc.ErrorInfo", value: { reason: "REGISTRY_UNAVAILABLE" } }],
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    const { createServer } = await import("node:http");
    const silent = createServer(() => {
      resolve();
    }).listen(0, "127.0.0.1");
    try {
      await until(() => silent.listening);
      const { port } = silent.address() as { port: number };
      const late = mesh(["ls", "--registry", `consul://127.0.0.1:${port}`, "--timeout", "300ms"]);
      await promise;
      expect(await late).toMatchObject({ code: 1, stdout: "" });
      expect((await late).stderr).toBe(
        `deadline_exceeded: the registry consul://127.0.0.1:${port} did not answer within 300 ms\n`,
      );
    } finally {
      silent.closeAllConnections();
      silent.close();
    }
  });
});

describe.skipIf(!hasConsul)("mesh with Consul", () => {
  let agent: ConsulAgent;
  beforeAll(async () => {
    agent = await startConsul();
  });
  afterAll(async () => {
    await agent.stop();
  });

  it("lists, calls and checks what is registered there", async () => {
    const component = greeter();
    await using server = createMesh({
      registry: consul({ address: agent.address }),
      components: [component],
      listen: {},
      drain: { drainDelayMs: 0 },
    });
    await server.start();
    const id = server.instanceId(component) ?? "";
    const env = { MESH_REGISTRY: agent.address.replace("http:", "consul:") };
    await until(async () => (await consul({ address: agent.address }).list()).length === 1);
    const [ls, called, health] = await Promise.all([
      mesh(["ls"], { env }),
      mesh(["call", "greet.v1.GreetService/Greet", '{"name":"Ada"}', "--json"], { env }),
      mesh(["health", "greeter"], { env }),
    ]);
    expect(ls.stdout.split("\n")[1]).toMatch(new RegExp(`^greeter +1\\.0\\.0 +${id} +ok `));
    expect(called).toEqual({
      code: 0,
      stdout: `${JSON.stringify({ message: "hello Ada", instance: id })}\n`,
      stderr: "",
    });
    expect(health.stdout.split("\n")[1]).toMatch(/ SERVING +ok +-$/);
    expect([ls.code, health.code]).toEqual([0, 0]);
  });
});
