import { chmod, chown, lstat, mkdir, readFile, rename, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { reasonOf } from "../../src/error.ts";
import { defaultDirectory } from "../../src/registry/file-directory.ts";
import { leaseFileName } from "../../src/registry/file-lease.ts";
import { file } from "../../src/registry/file.ts";
import { Observer } from "../../src/testing/registry-observer.ts";
import { testRegistry } from "../../src/testing/registry.ts";
import { until } from "../../src/testing/until.ts";
import { one, Place, service } from "../fixtures/file-registry.ts";

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

describe("file registry", () => {
  describe("conforms", () => {
    const create = async () => {
      const own = await Place.make();
      const dispose = (): Promise<void> => own[Symbol.asyncDispose]();
      return { registry: own.registry(), other: own.registry(), [Symbol.asyncDispose]: dispose };
    };
    for (const of of testRegistry({ create })) it(of.name, of.run);
  });

  it("uses a directory of the user among the temporary files by default", () => {
    expect(dirname(defaultDirectory())).toBe(tmpdir());
    expect(basename(defaultDirectory())).toMatch(/^connect-mesh-[\w.-]+$/);
  });

  it("makes its directory and files for their owner only", async () => {
    await place.register(place.registry(), one("one-1"));
    expect((await lstat(place.path)).mode & 0o777).toBe(0o700);
    expect(await place.files()).toEqual(["one-1.json"]);
    expect((await lstat(join(place.path, "one-1.json"))).mode & 0o777).toBe(0o600);
    const lease = JSON.parse(await readFile(join(place.path, "one-1.json"), "utf8"));
    expect(lease).toMatchObject({ format: 1, pid: process.pid, instance: one("one-1") });
  });

  it.each(["../../escape", "/etc/passwd", "..", ".", "ONE", "a".repeat(1_000), "a\0b", "é/\\"])(
    "keeps the file of the id %j in its directory",
    async (id) => {
      await using observer = observe();
      const lease = await place.register(place.registry(), one(id));
      await observer.seesIds(id);
      const [name = "", ...more] = await place.files();
      expect(name).toMatch(/^_[0-9a-f]{64}\.json$/);
      expect(more).toEqual([]);
      await lease[Symbol.asyncDispose]();
      expect(await place.files()).toEqual([]);
    },
  );

  it("refuses an id that a living process holds, and takes over one that none holds", async () => {
    await place.register(place.registry(), one("one-1"));
    const refused = place.registry().register(one("one-1"));
    await expect(refused).rejects.toMatchObject({ code: Code.AlreadyExists });
    await place.forge("one-2", { processStart: 1 });
    await place.forge("one-3", {}, 120_000);
    const registry = place.registry();
    for (const id of ["one-2", "one-3"]) await place.register(registry, one(id));
    await expect(registry.register(one("one-3"))).rejects.toThrow(/registered already/);
    const twice = await Promise.allSettled([1, 2].map(() => place.register(registry, one("one-4"))));
    expect(twice.map((of) => of.status).sort()).toEqual(["fulfilled", "rejected"]);
  });

  it("refuses what is not an instance and options that make no sense", async () => {
    await expect(place.registry().register({ ...one("x"), id: "" })).rejects.toThrow(/id must be/);
    expect(() => file({ scanMs: 0 })).toThrow(/scanMs must be above 0/);
    expect(() => file({ heartbeatMs: Number.NaN })).toThrow(/heartbeatMs must be above 0/);
    expect(() => file({ leaseMs: 3_000 })).toThrow(/leaseMs .* at least twice heartbeatMs/);
  });

  describe("refuses a directory that others control", () => {
    const refused: Record<string, [RegExp, () => Promise<void>]> = {
      "a symlink": [
        /symbolic link/,
        async () => {
          await mkdir(`${place.path}-real`, { mode: 0o700 });
          await symlink(`${place.path}-real`, place.path);
        },
      ],
      "a dangling symlink": [/symbolic link/, () => symlink(`${place.path}-none`, place.path)],
      "a file": [/not a directory/, () => writeFile(place.path, "")],
      "one that the group may write to": [
        /others may write.*chmod 700/,
        async () => {
          await mkdir(place.path);
          await chmod(place.path, 0o770);
        },
      ],
      "one that all may write to": [
        /others may write/,
        async () => {
          await mkdir(place.path);
          await chmod(place.path, 0o1707);
        },
      ],
    };
    if (process.geteuid?.() === 0) {
      refused["one of another user"] = [
        /belongs to uid 65534, not 0/,
        async () => {
          await mkdir(place.path, { mode: 0o700 });
          await chown(place.path, 65_534, 65_534);
        },
      ];
    }
    for (const [what, [message, make]] of Object.entries(refused)) {
      it(what, async () => {
        await make();
        const error: unknown = await place.registry().register(one("one-1")).catch((e: unknown) => e);
        expect(error).toBeInstanceOf(ConnectError);
        expect((error as ConnectError).rawMessage).toMatch(message);
        expect(reasonOf(error)).toBe("INVALID_CONFIGURATION");
        await using observer = observe();
        const { problem } = await observer.sees("a problem", (of) => of.problem !== undefined);
        expect(problem?.rawMessage).toMatch(message);
      });
    }
  });

  it("shows a problem and the last instances while it cannot read, and heals", async () => {
    await place.register(place.registry({ heartbeatMs: 20_000 }), one("one-1"));
    await using observer = observe();
    await observer.seesIds("one-1");
    await chmod(place.path, 0o777);
    const sick = await observer.sees("a problem", (of) => of.problem !== undefined);
    expect(sick.instances.map((of) => of.id)).toEqual(["one-1"]);
    expect(sick.problem?.code).toBe(Code.Unavailable);
    expect(reasonOf(sick.problem)).toBe("REGISTRY_UNAVAILABLE");
    await using late = observe();
    await late.sees("a problem at first", (of) => of.problem !== undefined);
    await chmod(place.path, 0o700);
    await observer.seesIds("one-1");
    await late.seesIds("one-1");
  });

  it("makes its directory and lease again when they vanish, and tells of it", async () => {
    const events = place.events("registry.lease");
    const lease = await place.register(place.registry(), one("one-1"));
    await using observer = observe();
    await observer.seesIds("one-1");
    const states = (): readonly string[] => events.map((event) => event.state);
    await rm(place.path, { recursive: true });
    await until(() => states().includes("renewed"), { what: "a renewed lease" });
    expect(states()).toEqual(["registered", "lost", "renewed"]);
    expect(events[1]?.error).toMatchObject({ code: "ENOENT" });
    await observer.seesIds("one-1");
    await rm(join(place.path, "one-1.json"));
    await until(() => states().length === 5, { what: "a lease that is renewed again" });
    await observer.seesIds("one-1");
    await lease[Symbol.asyncDispose]();
    await lease[Symbol.asyncDispose]();
    expect(states().slice(3)).toEqual(["lost", "renewed", "released"]);
    await observer.seesIds();
  });

  it("keeps the instances, with a problem, while their directory is gone", async () => {
    // No heartbeat comes within this test, so only the watch acts.
    await place.register(place.registry({ heartbeatMs: 30_000 }), one("one-1"));
    await using observer = observe(place.registry({ leaseMs: 1_500 }));
    await observer.seesIds("one-1");
    // In one step: a directory that empties first looks like a release.
    await rename(place.path, `${place.path}-gone`);
    const sick = await observer.sees("a problem", (of) => of.problem !== undefined);
    expect(sick.instances.map((of) => of.id)).toEqual(["one-1"]);
    // After the time of a lease, nobody else will make it again.
    await observer.seesIds();
    expect(await place.files()).toEqual([]);
  });

  it("tells when a lease cannot be written, and writes it later with the newest health", async () => {
    const events = place.events("registry.lease");
    const registry = place.registry();
    const lease = await registry.register(one("one-1"));
    await chmod(place.path, 0o777);
    const failed = lease.setHealth("warning", "slow");
    await expect(failed).rejects.toMatchObject({ code: Code.InvalidArgument });
    await chmod(place.path, 0o700);
    await until(() => events.some((event) => event.state === "renewed"), { what: "renewal" });
    await using observer = observe();
    await observer.sees("a warning", (of) => of.instances[0]?.health === "warning");
    await lease[Symbol.asyncDispose]();
  });

  it("leaves out corrupt files and tells of each version once", async () => {
    const events = place.events("registry.corrupt");
    await place.register(place.registry(), one("one-1"));
    await place.forge("later", { format: 2 });
    await place.forge("group", { pid: 0 });
    await place.forge("wrong", { instance: { ...one("wrong"), channels: [] } });
    await writeFile(join(place.path, "copy.json"), await readFile(join(place.path, "one-1.json")));
    await writeFile(join(place.path, "half.json"), '{"format":1,"pi');
    await writeFile(join(place.path, "README.txt"), "not a lease, and no reason to complain");
    await mkdir(join(place.path, "directory.json"));
    await using observer = observe();
    await observer.seesIds("one-1");
    const sources = (): readonly string[] => events.map((event) => basename(event.source)).sort();
    const corrupt = ["copy.json", "group.json", "half.json", "later.json", "wrong.json"];
    await until(() => sources().length >= corrupt.length);
    // A change that is seen proves that more scans took place.
    const more = await place.register(place.registry(), one("one-2"));
    await observer.seesIds("one-1", "one-2");
    await more[Symbol.asyncDispose]();
    await observer.seesIds("one-1");
    expect(sources()).toEqual(corrupt);
    await writeFile(join(place.path, "half.json"), '{"format":1,"pid":');
    await until(() => sources().length > corrupt.length, { what: "the second version's event" });
    await place.forge("half");
    await observer.seesIds("half", "one-1");
  });

  it("hides a stale lease, shows it again with its next heartbeat, removes it in the end", async () => {
    await place.register(place.registry(), one("one-1"));
    await place.forge("stale", {}, 70_000);
    await place.forge("fresh", {}, 50_000);
    await place.forge("ancient", {}, 400_000);
    await place.forge("ahead", {}, -3_600_000);
    await using observer = observe();
    await observer.seesIds("ahead", "fresh", "one-1");
    expect(await place.files()).not.toContain(leaseFileName("ancient"));
    expect(await place.files()).toContain(leaseFileName("stale"));
    await place.forge("stale");
    await observer.seesIds("ahead", "fresh", "one-1", "stale");
  });

  it("hides a lease whose heartbeats end while it is watched", async () => {
    await place.register(place.registry(), one("one-1"));
    const events = place.events("registry.lease");
    await place.forge("stops");
    await using observer = observe(place.registry({ leaseMs: 1_500 }));
    await observer.seesIds("one-1", "stops");
    await observer.seesIds("one-1");
    // By its heartbeats, not because its file was removed and written again.
    expect(events).toEqual([]);
  });

  it("removes what a process left that ended while it wrote", async () => {
    await place.register(place.registry(), one("one-1"));
    const temporary = join(place.path, ".left.json.1.0123456789ab.tmp");
    const underWay = join(place.path, ".left.json.1.ba9876543210.tmp");
    for (const path of [temporary, underWay]) await writeFile(path, "{");
    const longAgo = new Date(Date.now() - 400_000);
    await utimes(temporary, longAgo, longAgo);
    await using observer = observe();
    await observer.seesIds("one-1");
    expect([...(await place.files())].sort()).toEqual([basename(underWay), "one-1.json"]);
  });

  it("leaves the lease of whoever took the id over", async () => {
    const lease = await place.registry({ heartbeatMs: 30_000 }).register(one("one-1"));
    await rm(join(place.path, "one-1.json"));
    await place.forge("one-1");
    await lease[Symbol.asyncDispose]();
    expect(await place.files()).toEqual(["one-1.json"]);
  });
});
