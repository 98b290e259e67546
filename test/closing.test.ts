import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { join } from "node:path";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, onTestFinished, test } from "vitest";
import { GreetService } from "../gen/greet/v1/greet_pb.ts";
import { Health } from "../gen/grpc/health/v1/health_pb.ts";
import { LibraryService } from "../gen/library/v1/library_pb.ts";
import {
  callOptions,
  component,
  consul,
  createMesh,
  implement,
  json,
  memory,
  protobuf,
  reasonOf,
  subscribe,
} from "../src/index.ts";
import type { ComponentOptions, Mesh, MeshOptions, Registry } from "../src/index.ts";
import { until, within } from "../src/testing/until.ts";
import { startMesh } from "./support/mesh.ts";
import { failure } from "./support/outcome.ts";
import { run } from "./support/run.ts";
import { Stubborn } from "./support/stubborn.ts";
import { nothingUnhandled } from "./support/unhandled.ts";

nothingUnhandled();

const never = (): Promise<never> => new Promise(() => {});

function greeter(options: Partial<ComponentOptions> = {}) {
  return component({
    name: "greeter",
    services: [implement(GreetService, { greet: ({ name }) => ({ message: `hello ${name}` }) }, { partial: true })],
    ...options,
  });
}

/** A mesh that is closed after the test whatever becomes of it. */
function meshOf(options: MeshOptions): Mesh {
  const mesh = createMesh({ registry: memory(), drain: { drainDelayMs: 0 }, ...options });
  onTestFinished(() => mesh.close(AbortSignal.abort()).catch(() => {}));
  return mesh;
}

/** Closes a mesh. Rejects when that takes longer than anything that a close may wait for here. */
function closing(mesh: Mesh, hurry?: AbortSignal, timeoutMs = 5_000): Promise<void> {
  return within(() => mesh.close(hurry), { what: "the close", timeoutMs });
}

describe("a call that waits when its mesh is closed", () => {
  test("for an instance ends at once, and says what it waited for", async () => {
    const mesh = meshOf({});
    const greet = mesh.client(GreetService, { timeoutMs: 60_000 });
    const calls = [greet.greet({}), greet.greet({}, callOptions({ hedging: { delayMs: 10 } })), greet.collect((async function* () {})())];
    const failures = calls.map(failure);
    await until(async () => (await failure(greet.greet({}, callOptions({ waitForReady: false })))).code === Code.Unavailable);
    await closing(mesh);
    for (const error of await within(() => Promise.all(failures))) {
      expect([error.code, reasonOf(error)]).toEqual([Code.Unavailable, "MESH_CLOSED"]);
      expect(error.message).toContain("no instance of component greeter");
      expect(reasonOf(error.cause)).toBe("NO_INSTANCE");
    }
  });

  test("between two attempts ends at once, with its last failure as the cause", async () => {
    const busy = component({
      name: "greeter",
      services: [
        implement(
          GreetService,
          {
            greet: () => {
              throw new ConnectError("too early", Code.Unavailable);
            },
          },
          { partial: true },
        ),
      ],
    });
    const registry = memory();
    await using _server = await startMesh({ registry, components: [busy] });
    const mesh = meshOf({ registry });
    let pauses = 0;
    const end = subscribe("call.retry", () => pauses++);
    onTestFinished(end);
    const retry = { maxAttempts: 5, initialBackoffMs: 60_000, maxBackoffMs: 60_000 };
    const failed = failure(mesh.client(GreetService).greet({}, { ...callOptions({ retry }), timeoutMs: 600_000 }));
    await until(() => pauses === 1);
    await closing(mesh);
    const error = await within(() => failed);
    expect([error.code, reasonOf(error)]).toEqual([Code.Unavailable, "MESH_CLOSED"]);
    expect(ConnectError.from(error.cause).rawMessage).toBe("too early");
  });

  test("does not keep the process", async () => {
    const script = join(import.meta.dirname, "fixtures/waiting-process.ts");
    const ended = await run(process.execPath, [script], { timeoutMs: 30_000 });
    expect(ended).toEqual({ code: 0, stdout: "closed\nMESH_CLOSED\n", stderr: "" });
  });

  test("goes on while a handler that made it is waited for", async () => {
    const registry = memory();
    let asked = 0;
    const front: Mesh = meshOf({
      registry,
      listen: {},
      components: [
        component({
          name: "library",
          services: [
            implement(
              LibraryService,
              {
                listShelves: async () => {
                  asked++;
                  const { message } = await front.client(GreetService).greet({ name: "Ada" });
                  return { shelves: [{ name: message }] };
                },
              },
              { partial: true },
            ),
          ],
        }),
      ],
    });
    await front.start();
    const caller = meshOf({ registry });
    const answer = caller.client(LibraryService).listShelves({});
    await until(() => asked === 1);
    const closed = closing(front);
    await until(() => front.state === "draining");
    await using _back = await startMesh({ registry });
    expect((await answer).shelves.map(({ name }) => name)).toEqual([expect.stringContaining("Ada")]);
    await closed;
  });
});

describe("a stream that a closing mesh cuts", () => {
  test.each([
    ["HTTP/2", protobuf()],
    ["HTTP/1.1", json({ httpVersion: "1.1" })],
  ] as const)("says so, over %s", async (_name, channel) => {
    const handler = new Stubborn();
    const registry = memory();
    await using server = await startMesh({ registry, components: [handler.component] });
    const mesh = meshOf({ registry, channels: [channel], channel: channel.name });
    const seen: number[] = [];
    const failed = failure(
      (async () => {
        for await (const { index } of mesh.client(GreetService).greetMany({ name: "Ada" })) seen.push(index);
      })(),
    );
    await until(() => seen.length === 1);
    await closing(mesh, AbortSignal.abort());
    const error = await within(() => failed);
    expect([error.code, reasonOf(error)]).toEqual([Code.Unavailable, "MESH_CLOSED"]);
    handler.open();
    await server.mesh.close();
  });
});

describe("mesh.close while the mesh starts", () => {
  /** Starts a mesh and closes it as soon as `ready`. */
  async function closed(mesh: Mesh, ready: () => boolean, hurry?: AbortSignal): Promise<ConnectError> {
    const started = failure(mesh.start());
    await until(ready);
    await closing(mesh, hurry);
    expect(mesh.state).toBe("stopped");
    return within(() => started);
  }

  test("ends a startup hook, stops what had started, and starts nothing more", async () => {
    const told: string[] = [];
    const first = greeter({ shutdown: () => void told.push("first stops") });
    const hook = (signal: AbortSignal): Promise<never> => {
      told.push("second starts");
      signal.addEventListener("abort", () => told.push("second is told"), { once: true });
      return never();
    };
    const second = component({ name: "second", services: [implement(Health, {}, { partial: true })], startup: hook });
    const mesh = meshOf({ components: [first, second] });
    const error = await closed(mesh, () => told.length > 0);
    expect([error.code, reasonOf(error)]).toEqual([Code.FailedPrecondition, "MESH_CLOSED"]);
    expect(told).toEqual(["second starts", "second is told", "first stops"]);
    expect([first.state, second.state]).toEqual(["STOPPED", "FAILED"]);
  });

  test.each([
    ["", undefined],
    [", in a hurry", AbortSignal.abort()],
  ])("does not wait for a registry that never answers%s", async (_name, hurry) => {
    const sockets: Socket[] = [];
    const silent = createServer((socket) => sockets.push(socket.on("error", () => {}))).listen(0, "127.0.0.1");
    await new Promise((resolve) => silent.once("listening", resolve));
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
      silent.close();
    });
    const { port } = silent.address() as AddressInfo;
    const registry = consul({ address: `http://127.0.0.1:${port}` });
    const mesh = meshOf({ registry, listen: {}, components: [greeter()], drain: { drainDelayMs: 0, deregisterTimeoutMs: 100 } });
    expect(reasonOf(await closed(mesh, () => sockets.length > 0, hurry))).toBe("MESH_CLOSED");
  });

  test("does not wait for a registry that ignores its signal", async () => {
    let asked = false;
    const register = (): Promise<never> => {
      asked = true;
      return never();
    };
    const registry: Registry = { ...memory(), name: "mine", register };
    const mesh = meshOf({ registry, listen: {}, components: [greeter()], drain: { drainDelayMs: 0, deregisterTimeoutMs: 100 } });
    expect(reasonOf(await closed(mesh, () => asked))).toBe("MESH_CLOSED");
  });
});

describe("mesh.close", () => {
  test.each([
    ["", undefined],
    [", in a hurry", AbortSignal.abort()],
  ])("does not wait for a watch that ignores its signal%s", async (_name, hurry) => {
    const real = memory();
    await using _server = await startMesh({ registry: real });
    const registry: Registry = {
      ...real,
      name: "mine",
      watch: (target) => real.watch(target, new AbortController().signal),
    };
    const mesh = meshOf({ registry });
    expect((await mesh.client(GreetService).greet({ name: "Ada" })).message).toContain("Ada");
    await closing(mesh, hurry);
    expect(mesh.state).toBe("stopped");
  });

  test("tells a shutdown hook to hurry, and does not wait long for one that goes on", async () => {
    const hurry = new AbortController();
    let stops = false;
    const shutdown = (): Promise<never> => {
      stops = true;
      return never();
    };
    const mesh = meshOf({ components: [greeter({ shutdown, shutdownTimeoutMs: 600_000 })] });
    await mesh.start();
    const failed = failure(closing(mesh, hurry.signal, 20_000));
    await until(() => stops);
    hurry.abort();
    const error = await failed;
    expect(reasonOf(error)).toBe("SHUTTING_DOWN");
    expect(error.message).toContain("it was told to hurry");
  });

  test("lets a quick shutdown hook finish in a hurry too", async () => {
    let told = false;
    let done = false;
    const shutdown = async (signal: AbortSignal): Promise<void> => {
      told = signal.aborted;
      await new Promise((resolve) => setTimeout(resolve, 20));
      done = true;
    };
    const mesh = meshOf({ components: [greeter({ shutdown })] });
    await mesh.start();
    await closing(mesh, AbortSignal.abort());
    expect([told, done, mesh.state]).toEqual([true, true, "stopped"]);
  });

  test("is the end: a start after it is refused, with or without components", async () => {
    for (const components of [[], [greeter()]]) {
      const mesh = meshOf({ components, listen: {} });
      await mesh.close();
      const error = await failure(mesh.start());
      expect([error.code, reasonOf(error)]).toEqual([Code.FailedPrecondition, "MESH_CLOSED"]);
      expect(mesh.state).toBe("stopped");
    }
    const ran = meshOf({ components: [greeter()] });
    await ran.start();
    await ran.close();
    expect(reasonOf(await failure(ran.start()))).toBe("MESH_CLOSED");
  });
});
