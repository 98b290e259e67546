import assert from "node:assert/strict";
import type { Bench } from "./registry-bench.ts";

/** The cases of the registry suite, by what must be so. */
export const registryCases: Readonly<Record<string, (bench: Bench) => Promise<void>>> = {
  "yields a first snapshot when there are no instances": async (bench) => {
    await using observer = bench.observe();
    await observer.seesIds();
  },

  "shows a registered instance with all its fields": async (bench) => {
    const wanted = bench.instance("a", {
      version: "1.2.3-rc.4",
      services: [bench.service, `${bench.service}Two`],
      channels: {
        protobuf: "http://127.0.0.1:4001",
        json: "https://localhost:4002",
        grpc: "unix:/tmp/connect-mesh-test.sock",
      },
      weight: 65_535,
      warningWeight: 0,
      zone: "zone-é",
      metadata: { "some-key": 'a "value" with ünïcode', empty: "" },
    });
    await using observer = bench.observe();
    await using _lease = await bench.registry.register(wanted);
    assert.deepEqual(await observer.seesIds(wanted.id), [wanted]);
    await using late = bench.observe();
    assert.deepEqual(await late.seesIds(wanted.id), [wanted]);
  },

  "shows an instance to the targets of each of its services, and to no other": async (bench) => {
    const two = `${bench.service}Two`;
    const both = bench.instance("both", { services: [bench.service, two] });
    const one = bench.instance("one");
    await using _one = await bench.registry.register(one);
    await using _both = await bench.registry.register(both);
    await using first = bench.observe();
    await using second = bench.observe({ service: two, component: bench.component });
    await using none = bench.observe({ service: `${two}Three`, component: bench.component });
    await first.seesIds(both.id, one.id);
    await second.seesIds(both.id);
    await none.seesIds();
  },

  "shows the instances of one component, or of all to a target without one": async (bench) => {
    const component = `${bench.component}-b`;
    const a = bench.instance("a");
    const b = bench.instance("b-1", { component });
    await using _a = await bench.registry.register(a);
    await using _b = await bench.registry.register(b);
    await using all = bench.observe({ service: bench.service });
    await using onlyA = bench.observe();
    await using onlyB = bench.observe({ service: bench.service, component });
    await all.seesIds(a.id, b.id);
    await onlyA.seesIds(a.id);
    await onlyB.seesIds(b.id);
  },

  "orders instances by id, whatever the order of registration": async (bench) => {
    const [a, b] = [bench.instance("a"), bench.instance("b")];
    await using observer = bench.observe();
    await using _b = await bench.registry.register(b);
    await observer.seesIds(b.id);
    await using _a = await bench.registry.register(a);
    await observer.seesIds(a.id, b.id);
  },

  "hides an instance when its lease is disposed of": async (bench) => {
    const [a, b] = [bench.instance("a"), bench.instance("b")];
    const leaseA = await bench.registry.register(a);
    await using _b = await bench.registry.register(b);
    await using observer = bench.observe();
    await observer.seesIds(a.id, b.id);
    await leaseA[Symbol.asyncDispose]();
    await observer.seesIds(b.id);
  },

  "disposes of a lease twice without an error": async (bench) => {
    const lease = await bench.registry.register(bench.instance("a"));
    await Promise.all([lease[Symbol.asyncDispose](), lease[Symbol.asyncDispose]()]);
    await lease[Symbol.asyncDispose]();
    await using observer = bench.observe();
    await observer.seesIds();
  },

  "registers an id again after its release": async (bench) => {
    const before = bench.instance("a");
    const after = bench.instance("a", { channels: { protobuf: "http://127.0.0.1:4999" } });
    const first = await bench.registry.register(before);
    await using observer = bench.observe();
    await observer.seesIds(before.id);
    await first[Symbol.asyncDispose]();
    await observer.seesIds();
    await using _second = await bench.registry.register(after);
    // The old lease has nothing to say any more.
    await first[Symbol.asyncDispose]();
    assert.deepEqual(await observer.seesIds(after.id), [after]);
  },

  "hides an instance in error and shows it again when it is ok": async (bench) => {
    const wanted = bench.instance("a");
    await using lease = await bench.registry.register(wanted);
    await using observer = bench.observe();
    await observer.seesIds(wanted.id);
    await lease.setHealth("error", "the database is gone");
    await observer.seesIds();
    await lease.setHealth("ok");
    assert.deepEqual(await observer.seesIds(wanted.id), [wanted]);
  },

  "shows an instance in warning as such": async (bench) => {
    const wanted = bench.instance("a");
    await using lease = await bench.registry.register(wanted);
    await using observer = bench.observe();
    await lease.setHealth("warning", "the database is slow");
    const warned = await observer.sees("a warning", (of) => of.instances[0]?.health === "warning");
    assert.deepEqual(warned.instances, [{ ...wanted, health: "warning" }]);
    await lease.setHealth("ok");
    await observer.sees("an ok instance", (of) => of.instances[0]?.health === "ok");
  },

  "keeps a released instance hidden when its health is set": async (bench) => {
    const [gone, mark] = [bench.instance("a"), bench.instance("b")];
    const lease = await bench.registry.register(gone);
    await using observer = bench.observe();
    await observer.seesIds(gone.id);
    await lease[Symbol.asyncDispose]();
    // Refusing is as good as ignoring.
    await lease.setHealth("warning").catch(() => {});
    await using _mark = await bench.registry.register(mark);
    await observer.seesIds(mark.id);
  },

  "ends a waiting watch when the signal aborts": async (bench) => {
    const stop = new AbortController();
    const watch = bench.registry.watch(bench.target, stop.signal)[Symbol.asyncIterator]();
    await bench.next(watch);
    const end = bench.ends(watch);
    stop.abort(new Error("the reason must not come out of the watch"));
    await end;
    await bench.ends(watch);
  },

  "ends a watch when the signal aborts before the first snapshot": async (bench) => {
    const stop = new AbortController();
    const watch = bench.registry.watch(bench.target, stop.signal)[Symbol.asyncIterator]();
    const end = bench.ends(watch, 1);
    stop.abort();
    await end;
  },

  "ends a watch at once when the signal has aborted already": async (bench) => {
    await using _lease = await bench.registry.register(bench.instance("a"));
    const watch = bench.registry.watch(bench.target, AbortSignal.abort());
    await bench.ends(watch[Symbol.asyncIterator]());
  },

  "lets a reader leave the loop": async (bench) => {
    const stop = new AbortController();
    await bench.within("the end of a loop", async () => {
      for await (const _ of bench.registry.watch(bench.target, stop.signal)) break;
    });
    stop.abort();
  },

  "keeps watches independent of each other": async (bench) => {
    const wanted = bench.instance("a");
    const stop = new AbortController();
    const unread = bench.registry.watch(bench.target, stop.signal)[Symbol.asyncIterator]();
    await bench.next(unread);
    await using stays = bench.observe();
    await stays.seesIds();
    {
      await using leaves = bench.observe();
      await leaves.seesIds();
    }
    await using _lease = await bench.registry.register(wanted);
    await stays.seesIds(wanted.id);
    stop.abort();
    await bench.ends(unread, 1);
  },

  "yields nothing for a change that the target does not see": async (bench) => {
    const { service, component } = bench;
    await using quiet = bench.observe();
    await quiet.seesIds();
    const elsewhere = `${service}Two`;
    await using other = bench.observe({ service: elsewhere, component });
    await using lease = await bench.registry.register(
      bench.instance("b", { services: [elsewhere] }),
    );
    await other.seesIds(`${component}-b`);
    await lease.setHealth("warning");
    await other.sees("a warning", (of) => of.instances[0]?.health === "warning");
    await using _mark = await bench.registry.register(bench.instance("a"));
    // The observer fails when a snapshot came without a change.
    await quiet.seesIds(`${component}-a`);
  },

  "shows the newest snapshot to a slow reader, not a queue": async (bench) => {
    const changes = 8;
    const stop = new AbortController();
    const slow = bench.registry.watch(bench.target, stop.signal)[Symbol.asyncIterator]();
    await bench.next(slow);
    await using fast = bench.observe();
    const leases: AsyncDisposable[] = [];
    const ids: string[] = [];
    try {
      for (let at = 0; at < changes; at++) {
        const wanted = bench.instance(`${at}`);
        leases.push(await bench.registry.register(wanted));
        ids.push(wanted.id);
        await fast.seesIds(...ids);
      }
      // One snapshot may wait for the reader, and one may be on its way.
      let reads = 1;
      while ((await bench.next(slow)).instances.length < changes) reads++;
      assert.ok(reads <= 3, `${changes} changes took a slow reader ${reads} snapshots`);
    } finally {
      stop.abort();
      for (const lease of leases) await lease[Symbol.asyncDispose]();
    }
    await bench.ends(slow);
  },

  "shows the instances of another process": async (bench) => {
    if (bench.other === undefined) return;
    const [a, b] = [bench.instance("a"), bench.instance("b")];
    await using here = bench.observe();
    await using there = bench.observe(bench.target, bench.other);
    const lease = await bench.registry.register(a);
    await there.seesIds(a.id);
    await using _b = await bench.other.register(b);
    await here.seesIds(a.id, b.id);
    await lease.setHealth("warning");
    await there.sees("a warning", (of) => of.instances[0]?.health === "warning");
    await lease[Symbol.asyncDispose]();
    await there.seesIds(b.id);
    await here.seesIds(b.id);
  },

  "refuses to register when the signal has aborted already": async (bench) => {
    const [refused, mark] = [bench.instance("a"), bench.instance("b")];
    await assert.rejects(bench.registry.register(refused, AbortSignal.abort()));
    await using _mark = await bench.registry.register(mark);
    await using observer = bench.observe();
    await observer.seesIds(mark.id);
  },

  "keeps an instance when the signal of its registration aborts later": async (bench) => {
    const [kept, mark] = [bench.instance("a"), bench.instance("b")];
    const stop = new AbortController();
    await using lease = await bench.registry.register(kept, stop.signal);
    stop.abort();
    await lease.setHealth("ok");
    await using _mark = await bench.registry.register(mark);
    await using observer = bench.observe();
    await observer.seesIds(kept.id, mark.id);
  },
};
