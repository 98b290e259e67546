import { afterEach, describe, expect, test } from "vitest";
import { ClientPeer } from "../../src/client/peer.ts";
import { instance } from "../../src/contract/instance.ts";
import { allocatedBytes } from "../../src/testing/balancer-allocation.ts";
import { until } from "../../src/testing/until.ts";

const of = instance({ id: "a", component: "c", services: [], channels: { protobuf: "http://127.0.0.1:1" } });
const open: ClientPeer[] = [];

afterEach(async () => {
  for (const peer of open.splice(0)) await peer.close();
});

/** A peer whose connection the test loses and mends. */
function scripted(options: ConstructorParameters<typeof ClientPeer>[3] = {}) {
  const state = { reachable: true, probes: 0, told: 0, lose: (_error: unknown): void => {} };
  const peer = new ClientPeer(
    of,
    "protobuf",
    (onLost) => {
      state.lose = onLost;
      return {
        unary: () => Promise.reject(new Error("not called")),
        stream: () => Promise.reject(new Error("not called")),
        probe: () => {
          state.probes++;
          return state.reachable ? Promise.resolve() : Promise.reject(new Error("no"));
        },
        [Symbol.asyncDispose]: () => Promise.resolve(),
      };
    },
    options,
  );
  peer.users.add(() => state.told++);
  open.push(peer);
  return { peer, state };
}

describe("what a peer knows of its calls", () => {
  test("how many are running, however they end", () => {
    const { peer } = scripted();
    for (const how of ["answered", "failed", "abandoned"] as const) {
      peer.begin();
      peer.begin();
      peer.hold();
      expect(peer.inFlight).toBe(3);
      peer.end(0, 1, how);
      peer.end(0, 1, how);
      peer.release();
      expect(peer.inFlight).toBe(0);
    }
  });

  test("how long answers take", () => {
    const { peer } = scripted();
    peer.begin();
    expect(peer.latency.expectedMs(5_000)).toBe(0);
    peer.end(5_000, 5_040, "answered");
    expect(peer.latency.expectedMs(5_040)).toBe(40);
  });

  test("a failure in no time counts as a long time", () => {
    const { peer } = scripted();
    peer.begin();
    peer.end(5_000, 5_001, "failed");
    expect(peer.latency.expectedMs(5_001)).toBe(1_000);
  });

  test("a call that was given up counts when it had taken longer than expected", () => {
    const { peer } = scripted();
    peer.begin();
    peer.end(0, 10, "answered");
    peer.begin();
    peer.end(10, 15, "abandoned");
    expect(peer.latency.expectedMs(10)).toBe(10);
    peer.begin();
    peer.end(15, 515, "abandoned");
    expect(peer.latency.expectedMs(515)).toBe(500);
  });

  test("keeping count allocates nothing", () => {
    const { peer } = scripted();
    let nowMs = 0;
    const bytes = allocatedBytes(() => {
      nowMs += 1;
      peer.begin();
      peer.end(nowMs, nowMs + 3, nowMs % 7 === 0 ? "failed" : "answered");
    }, 20_000);
    expect(bytes).toBeLessThan(20);
  });
});

describe("a peer that is out", () => {
  test("tells its users once for each change", () => {
    const { peer, state } = scripted();
    state.lose(new Error("reset"));
    state.lose(new Error("reset"));
    expect([peer.available, state.told]).toEqual([false, 1]);
    peer.answered();
    peer.answered();
    expect([peer.available, state.told]).toEqual([true, 2]);
  });

  test("is judged anew when it is back, whatever still runs there", () => {
    for (const held of [0, 1]) {
      const { peer, state } = scripted({ now: () => 9_000 });
      for (let call = 0; call < held; call++) peer.hold();
      peer.begin();
      peer.end(0, 8_000, "failed");
      state.lose(new Error("reset"));
      peer.answered(8_990, 9_000);
      expect(peer.latency.expectedMs(9_000)).toBe(held * 10);
    }
  });

  test("says nothing more once it is closed", async () => {
    const { peer, state } = scripted();
    await peer.close();
    state.lose(new Error("reset"));
    expect([peer.available, state.told]).toEqual([true, 0]);
  });

  test("is tried again after about a second, 1.6 s and so on, within 20 % (connection-backoff.md)", async () => {
    const times: number[] = [];
    const { peer, state } = scripted({ random: () => 0 });
    state.reachable = false;
    const start = performance.now();
    state.lose(new Error("reset"));
    for (const probes of [1, 2]) {
      await until(() => state.probes === probes, { timeoutMs: 10_000, intervalMs: 5 });
      times.push(performance.now() - start);
    }
    state.reachable = true;
    await until(() => peer.available, { timeoutMs: 10_000 });
    expect(times[0]).toBeGreaterThanOrEqual(799);
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(1_200);
    expect(peer.sinceMs).toBeGreaterThan(start);
  });

  test("hurries when it is told to, but at most once a second", async () => {
    const clock = { nowMs: 0 };
    const { peer, state } = scripted({ now: () => clock.nowMs, random: () => 1_000 });
    peer.hurry();
    state.reachable = false;
    state.lose(new Error("reset"));
    peer.hurry();
    await new Promise((resolve) => setImmediate(resolve));
    expect(state.probes).toBe(0);
    clock.nowMs = 1_000;
    peer.hurry();
    await until(() => state.probes === 1);
    peer.hurry();
    await new Promise((resolve) => setImmediate(resolve));
    expect(state.probes).toBe(1);
  });
});
