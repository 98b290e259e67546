import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { GreetService } from "../gen/greet/v1/greet_pb.ts";
import { Health } from "../gen/grpc/health/v1/health_pb.ts";
import { check, component, createMesh, implement, memory, reasonOf, warning } from "../src/index.ts";
import type { ComponentOptions, HealthStatus, Registry } from "../src/index.ts";
import { until } from "../src/testing/until.ts";

const target = { service: GreetService.typeName };

function greeter(options: Partial<ComponentOptions> = {}) {
  return component({
    name: "greeter",
    services: [implement(GreetService, { greet: ({ name }) => ({ message: `hello ${name}` }) }, { partial: true })],
    ...options,
  });
}

function other(options: Partial<ComponentOptions> = {}) {
  return component({ name: "other", services: [implement(Health, {}, { partial: true })], ...options });
}

async function registered(registry: Registry): Promise<readonly { id: string; health: HealthStatus }[]> {
  for await (const { instances } of registry.watch(target, AbortSignal.timeout(5_000))) return instances;
  return [];
}

describe("mesh.start", () => {
  test("starts components in order, registers them last, and stops them in reverse", async () => {
    const registry = memory();
    const order: string[] = [];
    const note = (what: string) => async () => {
      order.push(`${what} with ${(await registered(registry)).length} registered`);
    };
    const mesh = createMesh({
      registry,
      listen: {},
      drain: { drainDelayMs: 0 },
      components: [
        greeter({ startup: note("start greeter"), shutdown: note("stop greeter") }),
        other({ startup: note("start other"), shutdown: note("stop other") }),
      ],
    });
    await mesh.start();
    expect(mesh.state).toBe("running");
    expect(mesh.address).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    order.push(`running with ${(await registered(registry)).length} registered`);
    await mesh.close();
    expect(mesh.state).toBe("stopped");
    expect(order).toEqual([
      "start greeter with 0 registered",
      "start other with 0 registered",
      "running with 1 registered",
      "stop other with 0 registered",
      "stop greeter with 0 registered",
    ]);
  });

  test("a startup that fails undoes what was done and registers nothing", async () => {
    const registry = memory();
    let stopped = false;
    const good = greeter({
      shutdown: () => {
        stopped = true;
      },
    });
    const bad = other({
      startup: () => {
        throw new Error("no disk");
      },
    });
    const mesh = createMesh({ registry, listen: {}, components: [good, bad] });
    const error = await mesh.start().catch((thrown: unknown) => thrown);
    expect(reasonOf(error)).toBe("STARTUP_FAILED");
    expect(String(error)).toContain("component other did not start: no disk");
    expect([mesh.state, good.state, bad.state, stopped]).toEqual(["failed", "STOPPED", "FAILED", true]);
    expect(await registered(registry)).toEqual([]);
    await mesh.close();
  });

  test("a port in use is an error that names it, and leaves nothing running", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => taken.once("listening", resolve));
    const { port } = taken.address() as AddressInfo;
    const of = greeter();
    const mesh = createMesh({ registry: memory(), listen: { port }, components: [of] });
    const error = await mesh.start().catch((thrown: unknown) => thrown);
    expect(reasonOf(error)).toBe("LISTEN_FAILED");
    expect(String(error)).toContain(`cannot listen on 127.0.0.1:${port}`);
    expect(of.state).toBe("STOPPED");
    taken.close();
  });

  test("a registry that refuses an instance for good fails the start", async () => {
    const refuse = new ConnectError("the token may not write greeter", Code.PermissionDenied);
    const registry: Registry = { ...memory(), name: "strict", register: () => Promise.reject(refuse) };
    const mesh = createMesh({ registry, listen: {}, components: [greeter()] });
    await expect(mesh.start()).rejects.toThrow("may not write greeter");
    expect(mesh.state).toBe("failed");
  });

  test("a registry that is down delays registration, not the start", async () => {
    const real = memory();
    let down = true;
    const registry: Registry = {
      name: "flaky",
      watch: (of, signal) => real.watch(of, signal),
      register: (of, signal) =>
        down
          ? Promise.reject(new ConnectError("cannot reach the registry", Code.Unavailable))
          : real.register(of, signal),
    };
    const mesh = createMesh({
      registry,
      listen: {},
      components: [greeter()],
      health: { intervalMs: 20 },
      drain: { drainDelayMs: 0 },
    });
    await mesh.start();
    expect(await registered(real)).toEqual([]);
    down = false;
    await until(async () => (await registered(real)).length === 1);
    await mesh.close();
  });

  test("starts once, and not after close", async () => {
    const mesh = createMesh({ registry: memory() });
    expect(mesh.start()).toBe(mesh.start());
    await mesh.close();
    const closed = createMesh({ registry: memory(), components: [greeter()] });
    await closed.close();
    expect(closed.state).toBe("stopped");
  });

  test("components that cannot live together are an error before anything starts", () => {
    expect(() => createMesh({ registry: memory(), components: [greeter(), greeter()] })).toThrow(
      "two components are named greeter",
    );
  });
});

describe("health of a mesh", () => {
  test("a component registers only once it serves, warns with its warning, and leaves in error", async () => {
    const registry = memory();
    let status: HealthStatus = "error";
    const database = check(
      "database",
      () => {
        if (status === "error") throw new Error("no connection");
        if (status === "warning") throw warning("slow");
      },
      { cacheMs: 0 },
    );
    const mesh = createMesh({
      registry,
      listen: {},
      components: [greeter({ checks: [database] })],
      health: { intervalMs: 20 },
      drain: { drainDelayMs: 0 },
    });
    await mesh.start();
    const readyz = async (): Promise<number> => (await fetch(`${mesh.address}/readyz`)).status;
    expect([await registered(registry), await readyz()]).toEqual([[], 503]);
    expect(await (await fetch(`${mesh.address}/readyz`)).text()).toContain("no connection");
    status = "ok";
    await until(async () => (await registered(registry)).length === 1);
    expect(await readyz()).toBe(200);
    status = "warning";
    await until(async () => (await registered(registry))[0]?.health === "warning");
    expect([await readyz(), (await mesh.health()).status]).toEqual([200, "warning"]);
    status = "error";
    await until(async () => (await registered(registry)).length === 0);
    status = "ok";
    await until(async () => (await registered(registry)).length === 1);
    await mesh.close();
  });
});

describe("a component that is not running", () => {
  test("turns local calls away with what to do", async () => {
    const mesh = createMesh({ registry: memory(), components: [greeter()] });
    const error = await mesh.client(GreetService).greet({}).catch((thrown: unknown) => thrown);
    expect(reasonOf(error)).toBe("NOT_RUNNING");
    expect(String(error)).toContain("component greeter is VIRGIN");
    await mesh.close();
  });

  test("is called locally without any port once the mesh is started", async () => {
    const mesh = createMesh({ registry: memory(), components: [greeter()] });
    await mesh.start();
    expect((await mesh.client(GreetService).greet({ name: "Ada" })).message).toBe("hello Ada");
    expect(mesh.address).toBeUndefined();
    await mesh.close();
  });
});

describe("mesh.close of a mesh that calls", () => {
  const registry = memory();
  let ended = false;
  const streamer = component({
    name: "greeter",
    services: [
      implement(
        GreetService,
        {
          async *greetMany({ name }, { signal }) {
            signal.addEventListener("abort", () => (ended = true), { once: true });
            for (let index = 1; ; index++) {
              yield { index };
              if (name !== "endless" && index === 3) return;
              await new Promise((resolve) => setTimeout(resolve, 20));
            }
          },
        },
        { partial: true },
      ),
    ],
  });
  const host = createMesh({ registry, listen: {}, components: [streamer], drain: { drainDelayMs: 0 } });

  test("lets a running stream finish, and cuts one that outlives the grace", async () => {
    await host.start();
    const guest = createMesh({ registry, drain: { graceMs: 300 } });
    const seen: number[] = [];
    const finite = (async () => {
      for await (const { index } of guest.client(GreetService).greetMany({})) seen.push(index);
    })();
    const endless = (async () => {
      for await (const { index } of guest.client(GreetService).greetMany({ name: "endless" })) seen.push(index);
    })().catch((error: unknown) => ConnectError.from(error).code);
    await until(() => seen.length >= 2);
    await guest.close();
    await finite;
    expect(await endless).toBe(Code.Unavailable);
    await until(() => ended);
    await host.close();
  });

  test("carries more calls at once than one connection takes, by queueing them", async () => {
    const again = createMesh({
      registry,
      listen: {},
      limits: { maxConcurrentStreams: 10 },
      components: [greeter()],
      drain: { drainDelayMs: 0 },
    });
    await again.start();
    const guest = createMesh({ registry });
    const greet = guest.client(GreetService);
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, at) => greet.greet({ name: String(at) })),
    );
    expect(answers.map(({ message }) => message)).toEqual(
      Array.from({ length: 200 }, (_, at) => `hello ${at}`),
    );
    await guest.close();
    await again.close();
  });
});
