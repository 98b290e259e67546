import { Code } from "@connectrpc/connect";
import { afterEach, describe, expect, test } from "vitest";
import { Discovery } from "../../src/client/discovery.ts";
import { instance } from "../../src/contract/instance.ts";
import type { Instance } from "../../src/contract/instance.ts";
import { meshError } from "../../src/error.ts";
import { subscribe } from "../../src/events.ts";
import type { Registry } from "../../src/registry/registry.ts";
import { until } from "../../src/testing/until.ts";
import { ScriptedRegistry } from "../support/scripted-registry.ts";

const target = { service: "s.S" };
const down = meshError(Code.Unavailable, "REGISTRY_UNAVAILABLE", "the registry is down");

function named(id: string): Instance {
  return instance({ id, component: "c", services: ["s.S"], channels: { protobuf: "http://h:1" } });
}

const open: Discovery[] = [];

function discover(registry: Registry, graceMs = 10_000): Discovery {
  const discovery = new Discovery(registry, target, graceMs);
  open.push(discovery);
  return discovery;
}

function ids(discovery: Discovery): readonly string[] | undefined {
  return discovery.state.value?.instances.map(({ id }) => id);
}

afterEach(async () => {
  for (const discovery of open.splice(0)) await discovery[Symbol.asyncDispose]();
});

describe("Discovery", () => {
  test("follows the registry, and an empty first answer is believed", async () => {
    const registry = new ScriptedRegistry();
    const discovery = discover(registry);
    registry.show();
    await until(() => ids(discovery)?.length === 0);
    registry.show(named("a"), named("b"));
    await until(() => ids(discovery)?.length === 2);
    registry.show(named("b"));
    await until(() => ids(discovery)?.length === 1);
    expect(ids(discovery)).toEqual(["b"]);
  });

  test("keeps the last known instances while the registry is down, and tells once", async () => {
    const registry = new ScriptedRegistry();
    const events: string[] = [];
    const ends = [
      subscribe("registry.stale", () => events.push("stale")),
      subscribe("registry.recovered", () => events.push("recovered")),
    ];
    const discovery = discover(registry);
    registry.show(named("a"));
    await until(() => ids(discovery)?.length === 1);
    registry.fail(down);
    await until(() => discovery.state.value?.stale !== undefined);
    const since = discovery.state.value?.stale?.sinceMs;
    registry.fail(meshError(Code.PermissionDenied, "REGISTRY_DENIED", "no right to look"));
    await until(() => discovery.state.value?.stale?.error.code === Code.PermissionDenied);
    expect(ids(discovery)).toEqual(["a"]);
    expect(discovery.state.value?.stale?.sinceMs).toBe(since);
    registry.show(named("a"));
    await until(() => discovery.state.value?.stale === undefined);
    for (const end of ends) end();
    expect(events).toEqual(["stale", "recovered"]);
  });

  test("does not believe a sudden empty answer before the grace period is over", async () => {
    const registry = new ScriptedRegistry();
    const discovery = discover(registry, 80);
    let kept = 0;
    const end = subscribe("cluster.kept", () => kept++);
    registry.show(named("a"));
    await until(() => ids(discovery)?.length === 1);
    registry.show();
    await until(() => kept === 1);
    expect(ids(discovery)).toEqual(["a"]);
    await until(() => ids(discovery)?.length === 0);
    end();
  });

  test("a registry that flaps between nothing and everything changes nothing", async () => {
    const registry = new ScriptedRegistry();
    const discovery = discover(registry);
    const changes: unknown[] = [];
    registry.show(named("a"), named("b"));
    await until(() => ids(discovery)?.length === 2);
    const end = subscribe("cluster.changed", (event) => changes.push(event));
    for (let turn = 0; turn < 5; turn++) {
      let kept = false;
      const endKept = subscribe("cluster.kept", () => (kept = true));
      registry.show();
      await until(() => kept);
      endKept();
      const before = discovery.state.value;
      registry.show(named("a"), named("b"));
      await until(() => discovery.state.value !== before);
      expect(ids(discovery)).toEqual(["a", "b"]);
    }
    end();
    expect(changes).toEqual([]);
  });

  test("a registry that throws is watched again, with what it last knew", async () => {
    const steady = new ScriptedRegistry();
    let watches = 0;
    const discovery = discover({
      name: "throwing",
      register: steady.register.bind(steady),
      watch(of, signal) {
        watches++;
        if (watches === 2) throw new Error("bug");
        if (watches > 2) return steady.watch(of, signal);
        return (async function* () {
          yield { instances: [named("a")] };
        })();
      },
    });
    await until(() => discovery.state.value?.stale !== undefined);
    expect(ids(discovery)).toEqual(["a"]);
    steady.show(named("b"));
    await until(() => discovery.state.value?.stale === undefined);
    expect(ids(discovery)).toEqual(["b"]);
  });
});
