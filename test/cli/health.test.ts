import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { greeter } from "../../examples/greeter/greeter.ts";
import { check, instance, warning } from "../../src/index.ts";
import { until } from "../../src/testing/until.ts";
import { World } from "./cli.ts";

const service = "greet.v1.GreetService";

describe("mesh health", () => {
  let world: World;
  let well: { readonly id: string; readonly address: string };
  let isBroken = false;
  beforeAll(async () => {
    world = await World.make();
    well = await world.host();
  });
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
  });

  it("shows each instance that serves, and exits with 0", async () => {
    const [people, programs] = await Promise.all([world.run(["health"]), world.run(["health", "--json"])]);
    expect(people).toMatchObject({ code: 0, stderr: "" });
    expect(people.stdout.trimEnd().split("\n").map((line) => line.split(/ {2,}/))).toEqual([
      ["COMPONENT", "INSTANCE", "ADDRESS", "STATUS", "REGISTRY", "NOTES"],
      ["greeter", well.id, well.address, "SERVING", "ok", "-"],
    ]);
    expect(programs).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(programs.stdout)).toEqual({
      serving: true,
      instances: [
        {
          component: "greeter",
          id: well.id,
          version: "1.0.0",
          address: well.address,
          registry: "ok",
          status: "SERVING",
          services: { [service]: "SERVING" },
          checks: [],
        },
      ],
    });
  });

  it("shows the checks that do not pass, and exits with 1 when an instance does not serve", async () => {
    await using other = await World.make();
    const checks = [
      check("database", () => {
        if (isBroken) throw new Error("no \u001B[5mconnection");
      }, { cacheMs: 1 }),
      check("disk", () => {
        throw warning("91 % full");
      }),
      check("fine", () => {}),
    ];
    const { id } = await other.host(greeter({ name: "shop", checks }));
    const { id: fine } = await other.host();
    expect((await other.run(["health"])).code).toBe(0);
    isBroken = true;
    const { code, stdout } = await other.run(["health"]);
    expect(code).toBe(1);
    const rows = stdout.trimEnd().split("\n").map((line) => line.split(/ {2,}/));
    expect(rows[1]).toMatchObject({ 1: fine, 3: "SERVING", 5: "-" });
    expect(rows[2]).toMatchObject({
      1: id,
      3: "NOT_SERVING",
      5: `${service} NOT_SERVING; database fail no \uFFFD[5mconnection; disk warn 91 % full`,
    });
    const [shop, greeters, programs] = await Promise.all([
      other.run(["health", "shop"]),
      other.run(["health", "greeter"]),
      other.run(["health", "shop", "--json"]),
    ]);
    expect([shop.code, greeters.code, programs.code]).toEqual([1, 0, 1]);
    expect(JSON.parse(programs.stdout)).toMatchObject({
      serving: false,
      instances: [
        {
          id,
          status: "NOT_SERVING",
          registry: "error",
          checks: [
            { name: "database", status: "fail", output: "no \u001B[5mconnection" },
            { name: "disk", status: "warn", output: "91 % full" },
            { name: "fine", status: "pass" },
          ],
        },
      ],
    });
  });

  it("tells who cannot be reached from who does not understand the question", async () => {
    await using other = await World.make();
    // Speaks HTTP/2 and knows no path.
    const stranger = createServer((_request, response) => {
      response.statusCode = 404;
      response.end();
    }).listen(0, "127.0.0.1");
    // Takes connections and never says a word.
    const silent = createServer().listen(0, "127.0.0.1");
    silent.removeAllListeners("connection");
    try {
      await until(() => stranger.listening && silent.listening);
      const at = (server: typeof stranger): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      for (const [id, address] of [["a-gone", "http://127.0.0.1:1"], ["b-silent", at(silent)], ["c-stranger", at(stranger)]] as const) {
        await other.registry.register(
          instance({ id, component: "other", services: [service], channels: { grpc: address } }),
        );
      }
      const { code, stdout } = await other.run(["health", "--json", "--timeout", "2s"]);
      expect(code).toBe(1);
      const { instances } = JSON.parse(stdout) as { instances: readonly object[] };
      expect(instances).toMatchObject([
        { id: "a-gone", status: "UNREACHABLE", error: { code: "unavailable" } },
        { id: "b-silent", status: "UNREACHABLE", error: {} },
        { id: "c-stranger", status: "UNKNOWN", error: { code: "unimplemented" } },
      ]);
    } finally {
      stranger.close();
      silent.close();
    }
  });

  it("fails when there is nobody to ask", async () => {
    await using other = await World.make();
    const [people, programs, unknown] = await Promise.all([
      other.run(["health"]),
      other.run(["health", "--json"]),
      world.run(["health", "shop"]),
    ]);
    expect(people).toEqual({ code: 1, stdout: "", stderr: `no instance is in the registry ${other.where}\n` });
    expect(programs).toEqual({ code: 1, stdout: '{"serving":false,"instances":[]}\n', stderr: "" });
    expect(unknown).toMatchObject({ code: 1, stdout: "" });
    expect(unknown.stderr).toContain("not_found: no instance of component shop");
  });

  it("asks over a unix socket as well", async () => {
    await using other = await World.make();
    await other.host(greeter(), { listen: { path: `${other.directory}/greeter.sock` } });
    const [health, called] = await Promise.all([
      other.run(["health", "--json"]),
      other.run(["call", `${service}/Greet`, "{}", "--address", `unix:${other.directory}/greeter.sock`, "--json"]),
    ]);
    expect(JSON.parse(health.stdout)).toMatchObject({ serving: true });
    expect(JSON.parse(called.stdout)).toMatchObject({ message: "hello world" });
  });
});
