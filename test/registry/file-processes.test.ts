import { spawn } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import type { Writable } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { thisProcess } from "../../src/registry/file-process.ts";
import { Observer } from "../../src/testing/registry-observer.ts";
import { until, within } from "../../src/testing/until.ts";
import { one, Place, service } from "../fixtures/file-registry.ts";

const isLinux = process.platform === "linux";

let place: Place;
beforeEach(async () => {
  place = await Place.make();
});
afterEach(async () => {
  await place[Symbol.asyncDispose]();
});

function observe(registry = place.registry()): Observer {
  return new Observer(registry, { service }, 10_000);
}

describe("file registry among processes", () => {
  it("lets two processes see each other", async () => {
    const [a, b] = [place.child(), place.child()];
    for (const child of [a, b]) await child.order({ do: "watch", target: { service } });
    await a.order({ do: "register", instance: one("one-a") }, "registered");
    await b.order({ do: "register", instance: one("one-b") }, "registered");
    for (const child of [a, b]) await child.sees("one-a", "one-b");
    await a.order({ do: "release" }, "released");
    for (const child of [a, b]) await child.sees("one-b");
  });

  it("drops the instance of a process that was killed, and its file", async () => {
    const child = place.child();
    await child.order({ do: "register", instance: one("one-a") }, "registered");
    await using observer = observe();
    await observer.seesIds("one-a");
    // Leases last a minute here, so that only the end of the process can do it.
    await child.kill();
    await observer.seesIds();
    expect(await place.files()).toEqual([]);
  });

  it("drops the instance of a process that ended before anybody looked", async () => {
    const child = place.child();
    await child.order({ do: "register", instance: one("one-a") }, "registered");
    await child.kill();
    expect(await place.files()).toEqual(["one-a.json"]);
    await using observer = observe();
    await observer.seesIds();
  });

  it.runIf(isLinux)("knows a process from a later one with the same pid", async () => {
    await place.register(place.registry(), one("mark"));
    const own = thisProcess();
    await place.forge("same", { processStart: own.processStart });
    await place.forge("later", { processStart: (own.processStart ?? 0) - 1 });
    await place.forge("unknown", { processStart: undefined });
    await using observer = observe();
    await observer.seesIds("mark", "same", "unknown");
    expect(await place.files()).not.toContain("later.json");
  });

  it.runIf(isLinux)("knows that a zombie has ended", async () => {
    // The shell becomes a sleep that never asks for the end of its child.
    const script = "cat <&3 >/dev/null & echo $!; exec sleep 60";
    const parent = spawn("sh", ["-c", script], { stdio: ["ignore", "pipe", "ignore", "pipe"] });
    try {
      let text = "";
      parent.stdout?.on("data", (part: Buffer) => (text += part.toString()));
      await until(() => text.endsWith("\n"), { what: "the child's pid" });
      const comm = `/proc/${parent.pid}/comm`;
      await until(() => readFileSync(comm, "utf8") === "sleep\n", { what: "the parent to sleep" });
      (parent.stdio[3] as Writable).end();
      const pid = Number(text);
      const stat = await until(() => {
        const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ");
        return fields?.[0] === "Z" ? fields : undefined;
      });
      await place.register(place.registry(), one("mark"));
      await place.forge("zombie", { pid, processStart: Number(stat?.[19]) });
      await using observer = observe();
      await observer.seesIds("mark");
      expect(await place.files()).toEqual(["mark.json"]);
    } finally {
      parent.kill("SIGKILL");
    }
  });

  it("believes the heartbeat alone of a process whose pids mean nothing here", async () => {
    await place.register(place.registry(), one("mark"));
    const elsewhere = { host: "another-container", pid: 2 ** 30, processStart: 1 };
    await place.forge("alive", elsewhere);
    await place.forge("stale", elsewhere, 70_000);
    await place.forge("dead", { ...elsewhere, host: thisProcess().host });
    await using observer = observe();
    await observer.seesIds("alive", "mark");
  });

  it("does not keep a process alive", async () => {
    const child = place.child();
    await child.order({ do: "watch", target: { service } });
    await child.order({ do: "register", instance: one("one-a") }, "registered");
    await child.sees("one-a");
    await child.order({ do: "disconnect" });
    expect(await within(() => child.exit, { what: "the child to end" })).toEqual([0, null]);
  });

  it.runIf(isLinux)("shares one watch of the directory, and ends it with the last reader", async () => {
    const registry = place.registry();
    await place.register(registry, one("one-a"));
    expect(inotifyWatches(place.path)).toBe(0);
    {
      await using first = observe(registry);
      await using second = observe(registry);
      await first.seesIds("one-a");
      await second.seesIds("one-a");
      expect(inotifyWatches(place.path)).toBe(1);
    }
    await until(() => inotifyWatches(place.path) === 0, { what: "the end of the watch" });
    await using again = observe(registry);
    await again.seesIds("one-a");
  });

  it.runIf(isLinux)("ends with a reader that aborts and never comes back", async () => {
    const stop = new AbortController();
    const watch = place.registry().watch({ service }, stop.signal)[Symbol.asyncIterator]();
    await watch.next();
    expect(inotifyWatches(place.path)).toBe(1);
    stop.abort();
    await until(() => inotifyWatches(place.path) === 0, { what: "the end of the watch" });
  });

  it("sees changes without waiting for the next scan", async () => {
    const registry = place.registry({ scanMs: 600_000 });
    await using observer = observe(registry);
    await observer.seesIds();
    const child = place.child();
    await child.order({ do: "register", instance: one("one-a") }, "registered");
    await observer.seesIds("one-a");
    await child.order({ do: "release" }, "released");
    await observer.seesIds();
  });
});

/** How often this process watches a directory, by what the kernel says. */
function inotifyWatches(directory: string): number {
  const inode = statSync(directory).ino.toString(16);
  let count = 0;
  for (const fd of readdirSync("/proc/self/fdinfo")) {
    let text = "";
    try {
      text = readFileSync(`/proc/self/fdinfo/${fd}`, "utf8");
    } catch {
      continue;
    }
    count += text.split("\n").filter((line) => line.includes(` ino:${inode} `)).length;
  }
  return count;
}
