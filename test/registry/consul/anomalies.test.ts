import { Code } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { reasonOf } from "../../../src/error.ts";
import { consulWith } from "../../../src/registry/consul/consul.ts";
import type { ConsulOptions } from "../../../src/registry/consul/options.ts";
import type { Tuning } from "../../../src/registry/consul/tuning.ts";
import { Observer } from "../../../src/testing/registry-observer.ts";
import { until } from "../../../src/testing/until.ts";
import { entry, type FakeConsul, never, startFakeConsul } from "../../support/fake-consul.ts";
import { quick, service } from "./quick.ts";

const target = { service, component: "orders" };

function observe(
  fake: FakeConsul,
  options: ConsulOptions = {},
  more: Partial<Tuning> = {},
): Observer {
  const registry = consulWith(
    { address: fake.address, requestsPerSecond: 50, ...options },
    quick(more),
  );
  return new Observer(registry, target, 10_000);
}

describe("a watch, when Consul misbehaves", () => {
  it("reads everything again when the index goes backwards", async () => {
    await using fake = await startFakeConsul((request, nth) => {
      if (nth === 0) return { index: "100", body: [entry("a")] };
      if (nth === 1) return { index: "5", body: [entry("a"), entry("b")] };
      if (nth === 2) return { index: "6", body: [entry("a"), entry("c")] };
      return never(request);
    });
    await using observer = observe(fake);
    await observer.seesIds("a", "c");
    await until(() => fake.requests.length === 4);
    expect(fake.requests.map((of) => of.index)).toEqual([undefined, "100", undefined, "6"]);
    // What does not wait must say so: an index of 0 with a wait would not.
    expect(fake.requests[2]?.wait).toBeUndefined();
  });

  it("never sends an index of 0", async () => {
    await using fake = await startFakeConsul((request, nth) =>
      nth < 5 ? { index: "0", body: [entry("a")] } : never(request),
    );
    await using observer = observe(fake);
    await observer.seesIds("a");
    await until(() => fake.requests.length === 6);
    expect(new Set(fake.requests.slice(1).map((of) => of.index))).toEqual(new Set(["1"]));
  });

  it("compares indexes that no number can hold", async () => {
    const [big, bigger] = ["18446744073709551613", "18446744073709551614"];
    await using fake = await startFakeConsul((request, nth) => {
      if (nth === 0) return { index: bigger, body: [entry("a")] };
      if (nth === 1) return { index: big, body: [entry("a")] };
      return nth === 2 ? { index: big, body: [entry("b")] } : never(request);
    });
    await using observer = observe(fake);
    await observer.seesIds("b");
    await until(() => fake.requests.length === 4);
    expect(fake.requests.map((of) => of.index)).toEqual([undefined, bigger, undefined, big]);
  });

  it("takes an answer without an index as a failure, and heals", async () => {
    let isFixed = false;
    await using fake = await startFakeConsul((request) => {
      if (request.index !== undefined) return never(request);
      return isFixed ? { index: "3", body: [entry("a")] } : { body: [entry("b")] };
    });
    await using observer = observe(fake);
    const bad = await observer.sees("a problem", (of) => of.problem !== undefined);
    expect(bad.problem?.message).toContain("X-Consul-Index");
    expect(bad.problem?.code).toBe(Code.Unavailable);
    isFixed = true;
    await observer.seesIds("a");
  });

  it("does not flood a server that answers at once, and misses no change", async () => {
    let size = 1;
    await using fake = await startFakeConsul(() => ({
      index: "7",
      body: Array.from({ length: size }, (_, at) => entry(`i${at}`)),
    }));
    await using observer = observe(fake, { requestsPerSecond: 5 });
    await observer.seesIds("i0");
    const begin = performance.now();
    const before = fake.requests.length;
    await until(() => performance.now() - begin > 2_000, { intervalMs: 50 });
    const seconds = (performance.now() - begin) / 1_000;
    const count = fake.requests.length - before;
    expect(count).toBeLessThanOrEqual(2 + 5 * seconds);
    // It goes on asking, and so sees what changed without a new index.
    size = 2;
    await observer.seesIds("i0", "i1");
  });

  it("asks at most two times at once and then once a second by default", async () => {
    await using fake = await startFakeConsul(() => ({ index: "7" }));
    const registry = consulWith({ address: fake.address }, quick());
    await using observer = new Observer(registry, target, 10_000);
    await observer.seesIds();
    const begin = fake.requests[0]?.at ?? 0;
    await until(() => fake.requests.length >= 4);
    expect(performance.now() - begin).toBeGreaterThan(1_800);
  });

  it("tells of a cut answer soon, not at the end of the wait", async () => {
    let isFixed = false;
    await using fake = await startFakeConsul((request) => {
      if (request.index === undefined) return { index: "3", body: [entry("a")] };
      if (request.wait !== "500ms" && isFixed) return never(request);
      return { index: "4", body: [entry("a"), entry("b")], truncate: !isFixed };
    });
    await using observer = observe(fake);
    const cut = await observer.sees("a problem", (of) => of.problem !== undefined);
    expect(cut.instances.map((of) => of.id)).toEqual(["a"]);
    isFixed = true;
    await observer.seesIds("a", "b");
  });

  it.each([
    ["500", { status: 500, body: "No cluster leader" }],
    ["429", { status: 429, body: "Your IP is issuing too many concurrent connections" }],
    ["text that is no JSON", { index: "9", body: "<html>" }],
    ["JSON of another shape", { index: "9", body: { a: 1 } }],
  ])("keeps the index and the instances over answers of %s", async (_, bad) => {
    let isBad = false;
    const pending: Array<() => void> = [];
    await using fake = await startFakeConsul(async (request) => {
      if (isBad) return bad;
      if (request.index === undefined) return { index: "8", body: [entry("a")] };
      if (request.wait === "500ms") return { index: "8", body: [entry("a")] };
      await new Promise<void>((resolve) => pending.push(resolve));
      return bad;
    });
    await using observer = observe(fake);
    await observer.seesIds("a");
    await until(() => pending.length > 0);
    isBad = true;
    pending[0]?.();
    const failed = await observer.sees("a problem", (of) => of.problem !== undefined);
    expect(failed.problem?.code).toBe(Code.Unavailable);
    expect(reasonOf(failed.problem)).toBe("REGISTRY_UNAVAILABLE");
    expect(failed.instances.map((of) => of.id)).toEqual(["a"]);
    const seen = fake.requests.length;
    await until(() => fake.requests.length >= seen + 3);
    // A short wait, so that the end of the failure shows soon.
    expect(fake.requests.slice(-2).map((of) => [of.index, of.wait])).toEqual([
      ["8", "500ms"],
      ["8", "500ms"],
    ]);
    isBad = false;
    await observer.seesIds("a");
  });

  it("tells of a server that hangs after the timeout, and asks again", async () => {
    let hangs = true;
    await using fake = await startFakeConsul((request) =>
      hangs || request.index !== undefined ? never(request) : { index: "3", body: [entry("a")] },
    );
    await using observer = observe(fake, {}, { requestMs: 300 });
    const hung = await observer.sees("a problem", (of) => of.problem !== undefined);
    expect(hung.problem?.message).toContain("no answer within 300 ms");
    hangs = false;
    await observer.seesIds("a");
  });

  it("believes an empty answer when Consul uses no ACLs", async () => {
    await using fake = await startFakeConsul((request, nth) => {
      if (nth === 0) return { index: "3", body: [entry("a")] };
      return nth === 1 ? { index: "4", body: [] } : never(request);
    });
    await using observer = observe(fake);
    await observer.seesIds();
  });

  it("tells of a refused token at once, and asks the provider again each time", async () => {
    let token = "bad";
    let asked = 0;
    await using fake = await startFakeConsul((request) => {
      if (request.token !== "good") return { status: 403, body: "ACL not found" };
      return request.index === undefined ? { index: "3", body: [entry("a")] } : never(request);
    });
    const provider = async (): Promise<string> => {
      asked += 1;
      return token;
    };
    await using observer = observe(fake, { token: provider });
    const denied = await observer.sees("a problem", (of) => of.problem !== undefined);
    expect(denied.problem?.code).toBe(Code.PermissionDenied);
    expect(reasonOf(denied.problem)).toBe("REGISTRY_DENIED");
    const before = asked;
    await until(() => asked >= before + 2);
    token = "good\n";
    await observer.seesIds("a");
  });

  it("tells of a token provider that fails, and heals", async () => {
    let isBroken = true;
    await using fake = await startFakeConsul((request) =>
      request.index === undefined ? { index: "3", body: [entry("a")] } : never(request),
    );
    const token = (): string => {
      if (isBroken) throw new Error("the vault is sealed");
      return "good";
    };
    await using observer = observe(fake, { token });
    const failed = await observer.sees("a problem", (of) => of.problem !== undefined);
    expect(failed.problem?.message).toContain("the vault is sealed");
    isBroken = false;
    await observer.seesIds("a");
  });

  it("does not wait for a token provider that hangs", async () => {
    let hangs = true;
    await using fake = await startFakeConsul((request) =>
      request.index === undefined ? { index: "3", body: [entry("a")] } : never(request),
    );
    const token = (): Promise<string> =>
      hangs ? new Promise<string>(() => {}) : Promise.resolve("good");
    await using observer = observe(fake, { token }, { requestMs: 300 });
    const failed = await observer.sees("a problem", (of) => of.problem !== undefined);
    expect(failed.problem?.message).toContain("the token provider gave no token within 300 ms");
    hangs = false;
    await observer.seesIds("a");
  });

  it("asks the leader when the answering server lags too far behind", async () => {
    await using fake = await startFakeConsul((request) => {
      if (request.index !== undefined) return never(request);
      return request.stale
        ? { index: "3", body: [entry("old")], headers: { "x-consul-lastcontact": "10001" } }
        : { index: "4", body: [entry("new")] };
    });
    await using observer = observe(fake);
    await observer.seesIds("new");
    await until(() => fake.requests.length === 3);
    expect(fake.requests.map((of) => of.stale)).toEqual([true, false, true]);
    expect(fake.requests[2]?.index).toBe("4");
  });

  it("goes on with an old answer while there is no leader", async () => {
    await using fake = await startFakeConsul((request) => {
      if (request.index !== undefined) return never(request);
      return request.stale
        ? { index: "3", body: [entry("old")], headers: { "x-consul-knownleader": "false" } }
        : { status: 500, body: "No cluster leader" };
    });
    await using observer = observe(fake);
    await observer.seesIds("old");
    expect(fake.requests.some((of) => !of.stale)).toBe(true);
  });

  it("takes its request off the wire when it ends", async () => {
    await using fake = await startFakeConsul((request) =>
      request.index === undefined ? { index: "3" } : never(request),
    );
    const observer = observe(fake);
    await observer.seesIds();
    await until(() => fake.requests.length === 2);
    await observer[Symbol.asyncDispose]();
    await until(() => fake.requests[1]?.gone.aborted === true);
    // And asks no more.
    const registry = consulWith({ address: fake.address }, quick());
    await using later = new Observer(registry, target, 10_000);
    await later.seesIds();
    await until(() => fake.requests.length === 4);
  });

  it("asks once for any number of readers, and tells later ones at once", async () => {
    const open = new Set<unknown>();
    await using fake = await startFakeConsul(async (request) => {
      if (request.index === undefined) return { index: "3", body: [entry("a")] };
      open.add(request);
      request.gone.addEventListener("abort", () => open.delete(request));
      return never(request);
    });
    const registry = consulWith({ address: fake.address }, quick());
    const readers = Array.from({ length: 50 }, () => new Observer(registry, target, 10_000));
    for (const reader of readers) await reader.seesIds("a");
    await until(() => open.size === 1);
    const late = new Observer(registry, target, 10_000);
    await late.seesIds("a");
    expect(fake.requests).toHaveLength(2);
    for (const reader of readers) await reader[Symbol.asyncDispose]();
    expect(open.size).toBe(1);
    await late[Symbol.asyncDispose]();
    await until(() => open.size === 0);
    // A new reader starts afresh.
    await using again = new Observer(registry, target, 10_000);
    await again.seesIds("a");
    await until(() => open.size === 1);
  });

  it("shows no half set while one of several components has not answered", async () => {
    const held: Array<() => void> = [];
    await using fake = await startFakeConsul(async (request) => {
      if (request.index !== undefined) return never(request);
      if (request.path === "/v1/catalog/services") {
        return { index: "3", body: { orders: [service], archive: [service], mail: ["x"] } };
      }
      if (request.path.endsWith("/orders")) return { index: "3", body: [entry("a")] };
      await new Promise<void>((resolve) => held.push(resolve));
      return { index: "3", body: [entry("b", { Service: "archive" })] };
    });
    const registry = consulWith({ address: fake.address }, quick());
    const seen: string[] = [];
    const stop = new AbortController();
    const reading = (async () => {
      for await (const { instances } of registry.watch({ service }, stop.signal)) {
        seen.push(instances.map((of) => of.id).join());
      }
    })();
    // The others have answered, and wait for the next change.
    await until(() => held.length === 1 && fake.requests.length === 5);
    held[0]?.();
    await until(() => seen.length > 0);
    stop.abort();
    await reading;
    expect(seen).toEqual(["a,b"]);
    expect(fake.requests.some((of) => of.path.endsWith("/mail"))).toBe(false);
  });

  it("sends the datacenter with each query", async () => {
    const paths: string[] = [];
    await using fake = await startFakeConsul((request) => {
      paths.push(request.datacenter ?? "none");
      return request.index === undefined ? { index: "3" } : never(request);
    });
    await using observer = observe(fake, { datacenter: "dc2" });
    await observer.seesIds();
    await until(() => paths.length === 2);
    expect(new Set(paths)).toEqual(new Set(["dc2"]));
  });

  it("waits as long as it was told to", async () => {
    await using fake = await startFakeConsul((request) =>
      request.index === undefined ? { index: "3" } : never(request),
    );
    await using observer = observe(fake, { waitMs: 1_234.5 });
    await observer.seesIds();
    await until(() => fake.requests[1]?.wait === "1235ms");
  });
});
