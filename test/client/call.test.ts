import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, describe, expect, test } from "vitest";
import { GreetService } from "../../gen/greet/v1/greet_pb.ts";
import { callOptions, connectionError, createMesh, first, instance, roundRobin, subscribe } from "../../src/index.ts";
import type { Balancer, Channel, Instance, Mesh, MeshOptions } from "../../src/index.ts";
import { reasonOf } from "../../src/error.ts";
import { until } from "../../src/testing/until.ts";
import { ScriptedChannel } from "../support/scripted-channel.ts";
import type { Answer } from "../support/scripted-channel.ts";
import { ScriptedRegistry } from "../support/scripted-registry.ts";
import { nothingUnhandled } from "../support/unhandled.ts";
import { hang } from "./scripted.ts";

nothingUnhandled();

const open: Mesh[] = [];

function named(id: string, ...channels: readonly string[]): Instance {
  const names = channels.length === 0 ? ["protobuf"] : channels;
  return instance({
    id,
    component: "greeter",
    services: [GreetService.typeName],
    channels: Object.fromEntries(names.map((name) => [name, "http://127.0.0.1:1"])),
  });
}

/** A mesh of clients whose instances and answers the test decides. */
function scripted(answer: Answer, options: MeshOptions = {}) {
  const registry = new ScriptedRegistry();
  const channel = new ScriptedChannel("protobuf", answer);
  const balancer: Balancer = roundRobin({ random: () => 0 });
  const mesh = createMesh({ registry, channels: [channel], balancer, ...options });
  open.push(mesh);
  return { registry, channel, mesh, greet: mesh.client(GreetService) };
}

async function failure(promise: Promise<unknown>): Promise<ConnectError> {
  return promise.then(
    () => {
      throw new Error("the call did not fail");
    },
    (error: unknown) => ConnectError.from(error),
  );
}

const unsent = (): never => {
  throw connectionError("cannot connect", "unsent");
};

afterEach(async () => {
  for (const mesh of open.splice(0)) await mesh.close();
});

describe("a call", () => {
  test("waits for an instance that comes later", async () => {
    const { registry, greet } = scripted(() => ({ message: "late" }));
    registry.show();
    const answer = greet.greet({});
    await until(() => registry.watches === 1);
    registry.show(named("a"));
    expect((await answer).message).toBe("late");
  });

  test("fails at its deadline with what it waited for", async () => {
    const { registry, greet } = scripted(() => ({}));
    registry.show();
    const error = await failure(greet.greet({}, { timeoutMs: 50 }));
    expect(error.code).toBe(Code.DeadlineExceeded);
    expect(reasonOf(error)).toBe("NO_INSTANCE");
    expect(error.message).toContain("within 50 ms: no instance of component greeter serves greet.v1");
  });

  test("fails at once without waitForReady, for the client or for the call", async () => {
    const { registry, mesh, greet } = scripted(() => ({}));
    registry.show();
    const client = mesh.client(GreetService, { waitForReady: false });
    for (const error of [
      await failure(client.greet({})),
      await failure(greet.greet({}, callOptions({ waitForReady: false }))),
    ]) {
      expect([error.code, reasonOf(error)]).toEqual([Code.Unavailable, "NO_INSTANCE"]);
    }
  });

  test.each([true, false])("says that the registry has not answered yet, with waitForReady %s", async (waitForReady) => {
    const { mesh } = scripted(() => ({}));
    const error = await failure(mesh.client(GreetService, { waitForReady }).greet({}, { timeoutMs: 50 }));
    expect([error.code, reasonOf(error)]).toEqual([Code.DeadlineExceeded, "REGISTRY_UNAVAILABLE"]);
    expect(error.rawMessage).toContain("within 50 ms: the registry has not answered yet where greet.v1.GreetService is");
  });

  test("does not say what it waited for before it was sent", async () => {
    const { registry, channel, greet } = scripted((_at, signal) => hang(signal));
    const late = failure(greet.greet({}, { timeoutMs: 300 }));
    await until(() => registry.watches === 1);
    registry.show(named("a"));
    const error = await late;
    expect(channel.attempts).toEqual(["a"]);
    expect([reasonOf(error), error.rawMessage]).toEqual(["DEADLINE_EXCEEDED", "the call was not answered within 300 ms"]);
  });

  test("waits while its balancer picks no instance, or fails at once without waitForReady", async () => {
    const newer: Balancer = (peers) => () => peers.find(({ instance: { id } }) => id === "b");
    const { registry, channel, mesh, greet } = scripted(({ id }) => ({ message: id }), { balancer: newer });
    registry.show(named("a"));
    const error = await failure(mesh.client(GreetService, { waitForReady: false }).greet({}));
    expect([error.code, reasonOf(error)]).toEqual([Code.Unavailable, "NO_INSTANCE"]);
    expect(error.rawMessage).toContain("the balancer picked none of 1 instance of greet.v1.GreetService");
    const late = greet.greet({});
    registry.show(named("a"), named("b"));
    expect((await late).message).toBe("b");
    expect(channel.attempts).toEqual(["b"]);
  });

  test.each<[string, unknown]>([
    ["is no function", () => 42],
    ["is a promise", async () => Promise.resolve(() => undefined)],
    ["picks something else", () => () => "x"],
    ["picks null", () => () => null],
    ["picks with a promise", () => async () => Promise.resolve(undefined)],
    ["picks a peer of its own", () => () => ({ instance: named("b"), inFlight: 0 })],
  ])("with a balancer whose picker %s is told what it must be", async (_, balancer) => {
    const { registry, mesh } = scripted(() => ({}));
    registry.show(named("a"));
    for (const waitForReady of [true, false]) {
      const greet = mesh.client(GreetService, { balancer: balancer as Balancer, waitForReady });
      // The first call finds no picker yet, the second has one.
      for (let turn = 0; turn < 2; turn++) {
        const error = await failure(greet.greet({}));
        expect([error.code, reasonOf(error)]).toEqual([Code.InvalidArgument, "INVALID_CONFIGURATION"]);
        expect(error.rawMessage).toMatch(/^a balancer must return a (picker|peer)|^a picker must return/);
      }
    }
  });

  test("says that the registry is down when that is why there is nothing", async () => {
    const { registry, greet } = scripted(() => ({}));
    registry.fail(new ConnectError("cannot reach consul at 127.0.0.1:1", Code.Unavailable));
    const error = await failure(greet.greet({}, callOptions({ waitForReady: false })));
    expect(reasonOf(error)).toBe("REGISTRY_UNAVAILABLE");
    expect(error.message).toContain("cannot reach consul");
  });

  test("goes to another instance when it was never sent, whatever the method", async () => {
    const { registry, channel, greet } = scripted((at) => (at.id === "a" ? unsent() : { message: at.id }));
    registry.show(named("a"), named("b"));
    expect((await greet.greet({})).message).toBe("b");
    expect(channel.attempts).toEqual(["a", "b"]);
  });

  test("a picker that insists on a dead instance is overruled", async () => {
    const { registry, channel, greet } = scripted(
      (at) => (at.id === "a" ? unsent() : { message: at.id }),
      { balancer: first() },
    );
    registry.show(named("a"), named("b"));
    expect((await greet.greet({})).message).toBe("b");
    expect(channel.attempts).toEqual(["a", "b"]);
  });

  test("an idempotent call that was sent is repeated three times at most, the last error wins", async () => {
    let turn = 0;
    const { registry, channel, greet } = scripted(() => {
      throw new ConnectError(`failure ${++turn}`, Code.Unavailable);
    });
    registry.show(named("a"), named("b"));
    const error = await failure(greet.greet({}));
    expect(error.rawMessage).toBe("failure 3");
    expect(channel.attempts).toEqual(["a", "b", "a"]);
  });

  test("is not repeated for other codes", async () => {
    const { registry, channel, greet } = scripted(() => {
      throw new ConnectError("no", Code.Internal);
    });
    registry.show(named("a"), named("b"));
    expect((await failure(greet.greet({}))).code).toBe(Code.Internal);
    expect(channel.attempts).toEqual(["a"]);
  });

  test("an instance that was lost gets no calls until a probe reaches it", async () => {
    const { registry, channel, greet } = scripted((at) => ({ message: at.id }));
    channel.reachable = () => false;
    registry.show(named("a"), named("b"));
    await greet.greet({});
    channel.lose.get("a")?.(new Error("reset"));
    const answers = new Set<string>();
    for (let turn = 0; turn < 10; turn++) answers.add((await greet.greet({})).message);
    expect([...answers]).toEqual(["b"]);
    await until(() => channel.probes > 0, { timeoutMs: 10_000 });
    channel.reachable = () => true;
    await until(async () => (await greet.greet({})).message === "a", { timeoutMs: 10_000 });
  });

  test("when all instances look lost, calls still try them", async () => {
    const { registry, channel, greet } = scripted((at) => ({ message: at.id }));
    channel.reachable = () => false;
    registry.show(named("a"));
    await greet.greet({});
    channel.lose.get("a")?.(new Error("reset"));
    expect((await greet.greet({})).message).toBe("a");
  });

  test("a snapshot keeps the transports of instances that stay and closes those that went", async () => {
    const { registry, channel, greet } = scripted((at) => ({ message: at.id }));
    registry.show(named("a"), named("b"));
    await greet.greet({});
    registry.show(named("b"), named("c"));
    await until(() => channel.closed.length > 0);
    expect(channel.closed).toEqual(["a"]);
    expect([...channel.lose.keys()]).toEqual(["a", "b", "c"]);
  });

  test("a channel that throws when it should connect is a peer that cannot be reached", async () => {
    const broken = new ScriptedChannel("protobuf", (at) => ({ message: at.id }));
    let well = false;
    const throwing: Channel = {
      name: "protobuf",
      connect(of, options) {
        if (of.id === "a" && !well) throw new TypeError("no such address");
        return broken.connect(of, options);
      },
    };
    const { registry, greet } = scripted(() => ({}), { channels: [throwing] });
    const lost: string[] = [];
    const end = subscribe("peer.lost", ({ instance: { id }, error }) => lost.push(`${id}: ${String(error)}`));
    registry.show(named("b"));
    expect((await greet.greet({})).message).toBe("b");
    registry.show(named("a"), named("b"));
    for (let turn = 0; turn < 4; turn++) expect((await greet.greet({})).message).toBe("b");
    registry.show(named("a"));
    await until(() => broken.closed.includes("b"));
    const error = await failure(greet.greet({}, { timeoutMs: 50 }));
    expect([error.code, reasonOf(error)]).toEqual([Code.DeadlineExceeded, "CONNECTION_FAILED"]);
    expect(error.message).toContain("the channel protobuf cannot connect to a: no such address");
    well = true;
    expect((await greet.greet({}, { timeoutMs: 10_000 })).message).toBe("a");
    end();
    expect(lost).toEqual(["a: TypeError: no such address"]);
  });

  test("a balancer that throws fails the call, and nothing else", async () => {
    const balancer: Balancer = () => {
      throw new RangeError("no peers for me");
    };
    const { registry, greet } = scripted(() => ({}), { balancer });
    registry.show(named("a"));
    expect((await failure(greet.greet({}))).message).toContain("no peers for me");
    registry.show(named("b"));
    expect((await failure(greet.greet({}))).message).toContain("no peers for me");
  });

  test("is refused after the mesh was closed", async () => {
    const { mesh, greet } = scripted(() => ({}));
    await mesh.close();
    expect(reasonOf(await failure(greet.greet({})))).toBe("MESH_CLOSED");
  });

  test("a deadline that is over before the call fails it, and is never forwarded as none", async () => {
    const { registry, channel, greet } = scripted(() => ({}));
    registry.show(named("a"));
    for (const timeoutMs of [0, -5]) {
      expect((await failure(greet.greet({}, { timeoutMs }))).code).toBe(Code.DeadlineExceeded);
    }
    expect(channel.attempts).toEqual([]);
  });
});

describe("a channel preference", () => {
  test("that no instance offers fails at once and lists what is offered", async () => {
    const grpc = new ScriptedChannel("grpc", () => ({}));
    const { registry, mesh } = scripted(() => ({}), { channels: [grpc] });
    registry.show(named("a", "protobuf", "json"), named("b", "json"));
    const error = await failure(mesh.client(GreetService, { channel: "grpc" }).greet({}));
    expect([error.code, reasonOf(error)]).toEqual([Code.FailedPrecondition, "NO_CHANNEL"]);
    expect(error.message).toContain("offers the channel grpc; offered: json, protobuf");
  });

  test("falls back along the list, and says so", async () => {
    const grpc = new ScriptedChannel("grpc", () => ({ message: "over grpc" }));
    const json = new ScriptedChannel("json", () => ({ message: "over json" }));
    const { registry, mesh } = scripted(() => ({}), { channels: [grpc, json] });
    registry.show(named("a", "json"));
    const events: unknown[] = [];
    const end = subscribe("channel.fallback", (event) => events.push(event));
    const greet = mesh.client(GreetService, { channel: ["grpc", "json"] });
    expect((await greet.greet({})).message).toBe("over json");
    end();
    expect(events).toEqual([{ service: GreetService.typeName, wanted: "grpc", used: "json" }]);
  });

  test("of one call wins over the client's", async () => {
    const grpc = new ScriptedChannel("grpc", () => ({ message: "over grpc" }));
    const json = new ScriptedChannel("json", () => ({ message: "over json" }));
    const { registry, mesh } = scripted(() => ({}), { channels: [grpc, json], channel: "grpc" });
    registry.show(named("a", "json", "grpc"));
    const greet = mesh.client(GreetService);
    expect((await greet.greet({})).message).toBe("over grpc");
    expect((await greet.greet({}, callOptions({ channel: "json" }))).message).toBe("over json");
  });

  test("for a channel that the mesh does not know is a configuration error at once", () => {
    const { mesh } = scripted(() => ({}));
    expect(() => mesh.client(GreetService, { channel: "carrier-pigeon" })).toThrow(
      "the channel carrier-pigeon is not known to this mesh (protobuf)",
    );
  });
});

describe("interceptors", () => {
  test("of mesh and client run once around all attempts, the mesh's outermost", async () => {
    const order: string[] = [];
    const { registry, mesh, channel } = scripted((at) => (at.id === "a" ? unsent() : { message: at.id }), {
      interceptors: [(next) => (req) => (order.push("mesh"), next(req))],
    });
    registry.show(named("a"), named("b"));
    const greet = mesh.client(GreetService, {
      interceptors: [(next) => (req) => (order.push("client"), next(req))],
    });
    await greet.greet({});
    expect(order).toEqual(["mesh", "client"]);
    expect(channel.attempts).toHaveLength(2);
  });
});
