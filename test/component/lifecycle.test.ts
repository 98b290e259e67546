import { describe, expect, test } from "vitest";
import { Lifecycle } from "../../src/component/lifecycle.ts";
import type { Hooks } from "../../src/component/lifecycle.ts";
import { reasonOf } from "../../src/error.ts";
import { subscribe } from "../../src/events.ts";

const none: Hooks = {
  startup: undefined,
  shutdown: undefined,
  startupTimeoutMs: 10_000,
  shutdownTimeoutMs: 10_000,
};

describe("Lifecycle", () => {
  test("goes from VIRGIN over RUNNING and DRAINING to STOPPED, and says so", async () => {
    const seen: string[] = [];
    const end = subscribe("component.state", ({ component, to }) => {
      if (component === "walk") seen.push(to);
    });
    const life = new Lifecycle("walk", none);
    expect(life.state).toBe("VIRGIN");
    await life.start();
    life.drain();
    await life.stop();
    end();
    expect(seen).toEqual(["STARTING", "RUNNING", "DRAINING", "STOPPED"]);
  });

  test("a startup hook that throws leaves FAILED and an error that names the component", async () => {
    const life = new Lifecycle("db", {
      ...none,
      startup: () => {
        throw new Error("no database");
      },
    });
    const error = await life.start().catch((thrown: unknown) => thrown);
    expect(String(error)).toContain("component db did not start: no database");
    expect(reasonOf(error)).toBe("STARTUP_FAILED");
    expect(life.state).toBe("FAILED");
  });

  test("a startup hook that never ends is cut off at its time limit", async () => {
    let aborted = false;
    const life = new Lifecycle("slow", {
      ...none,
      startupTimeoutMs: 20,
      startup: (signal) =>
        new Promise(() => {
          signal.addEventListener("abort", () => {
            aborted = true;
          });
        }),
    });
    await expect(life.start()).rejects.toThrow("longer than 20 ms");
    expect(aborted).toBe(true);
    expect(life.state).toBe("FAILED");
  });

  test("the caller's signal ends a startup", async () => {
    const life = new Lifecycle("waiting", { ...none, startup: () => new Promise(() => {}) });
    const stop = new AbortController();
    const started = life.start(stop.signal);
    stop.abort(new Error("changed my mind"));
    await expect(started).rejects.toThrow("changed my mind");
  });

  test("a shutdown hook that fails leaves FAILED", async () => {
    const life = new Lifecycle("messy", {
      ...none,
      shutdown: () => Promise.reject(new Error("still busy")),
    });
    await life.start();
    await expect(life.stop()).rejects.toThrow("component messy did not stop cleanly: still busy");
    expect(life.state).toBe("FAILED");
  });

  test("a component starts once", async () => {
    const life = new Lifecycle("once", none);
    await life.start();
    await expect(life.start()).rejects.toThrow("a component starts once");
  });

  test("stopping what never started runs no hook", async () => {
    let ran = false;
    const life = new Lifecycle("idle", {
      ...none,
      shutdown: () => {
        ran = true;
      },
    });
    await life.stop();
    expect([life.state, ran]).toEqual(["STOPPED", false]);
  });
});
