import { expect, test } from "vitest";
import { check, warning, type Check } from "../../src/health/check.ts";
import {
  healthResponse,
  type HealthComponent,
  type HealthKind,
  type HealthSource,
  type RegistryDetail,
} from "../../src/health/http.ts";
import { HealthReporter } from "../../src/health/report.ts";

const ok: Check = () => {};
const warns: Check = () => Promise.reject(warning("disk 90 % full"));
const fails: Check = () => Promise.reject(new Error("connection refused"));

function component(name: string, ...checks: [string, Check][]): HealthComponent {
  const reporter = new HealthReporter(checks.map(([name, run]) => check(name, run)));
  return { name, version: "1.2.3", state: "running", report: (signal) => reporter.report(signal) };
}

function source(components: HealthComponent[], more: Partial<HealthSource> = {}): HealthSource {
  return { state: () => "running", components: () => components, details: true, ...more };
}

interface Answer {
  status: number;
  headers: Record<string, string>;
  json: unknown;
  body: string;
}

async function ask(kind: HealthKind, from: HealthSource, query = ""): Promise<Answer> {
  const { status, headers, body } = await healthResponse(kind, new URLSearchParams(query), from);
  return { status, headers, body, json: JSON.parse(body) };
}

test("livez is 200 as long as the process answers and looks at nothing else", async () => {
  const nothing = (): never => {
    throw new Error("livez must not look at dependencies");
  };
  const blind: HealthSource = {
    state: nothing,
    components: nothing,
    registry: nothing,
    details: true,
  };
  const { status, headers, json } = await ask("livez", blind);
  expect(status).toBe(200);
  expect(headers).toEqual({ "content-type": "application/json", "cache-control": "no-store" });
  expect(json).toEqual({ status: "pass" });
});

test("readyz is 200 while running, also with warnings and with no components", async () => {
  for (const components of [[], [component("a", ["x", ok]), component("b", ["y", warns])]]) {
    const { status, headers, json } = await ask("readyz", source(components));
    expect(status).toBe(200);
    expect(headers["cache-control"]).toBe("no-store");
    expect(json).toEqual({ status: "pass", state: "running", reasons: [] });
  }
});

test("readyz is 503 while the mesh is not running, and runs no checks", async () => {
  for (const state of ["starting", "draining", "stopped"]) {
    let runs = 0;
    const counted = component("a", ["x", () => void runs++]);
    const { status, json } = await ask("readyz", source([counted], { state: () => state }));
    expect(status).toBe(503);
    expect(json).toEqual({
      status: "fail",
      state,
      reasons: [`the mesh is ${state}, not running`],
    });
    expect(runs).toBe(0);
  }
});

test("readyz is 503 when a drain begins while the checks run", async () => {
  let state = "running";
  const drains: Check = () => {
    state = "draining";
  };
  const from = source([component("a", ["x", drains])], { state: () => state });
  const { status } = await ask("readyz", from);
  expect(status).toBe(503);
});

test("readyz is 503 with the reasons when a component is in error", async () => {
  const { status, json } = await ask(
    "readyz",
    source([component("a", ["x", ok], ["y", fails]), component("b", ["z", warns])]),
  );
  expect(status).toBe(503);
  expect(json).toMatchObject({
    status: "fail",
    reasons: ["check y of component a failed: connection refused"],
  });
});

test("readyz shows a stale registry but stays ready", async () => {
  const shown: readonly RegistryDetail[] = [
    { target: "a", state: "stale", sinceMs: 1_500, message: "no leader", instances: 3 },
    { target: "b", state: "ok", instances: 1 },
  ];
  const registry = (): readonly RegistryDetail[] => shown;
  const { status, json } = await ask("readyz", source([], { registry }));
  expect(status).toBe(200);
  expect(json).toMatchObject({ registry: shown });
  const bare = await ask("readyz", source([], { registry, details: false }));
  expect(bare.body).not.toContain("no leader");
  expect(bare.body).toContain("stale");
});

test("health is health+json with all checks and components", async () => {
  const { status, headers, json } = await ask(
    "health",
    source([component("a", ["x", ok]), component("b", ["x", warns])], { name: "shop" }),
  );
  expect(status).toBe(200);
  expect(headers).toEqual({
    "content-type": "application/health+json",
    "cache-control": "no-store",
  });
  const entry = {
    componentType: "component",
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    observedValue: expect.any(Number),
    observedUnit: "ms",
  };
  expect(json).toEqual({
    status: "warn",
    serviceId: "shop",
    state: "running",
    components: [
      { name: "a", version: "1.2.3", state: "running", status: "pass" },
      { name: "b", version: "1.2.3", state: "running", status: "warn" },
    ],
    checks: {
      "a:x": [{ ...entry, componentId: "a", status: "pass" }],
      "b:x": [{ ...entry, componentId: "b", status: "warn", output: "disk 90 % full" }],
    },
  });
});

test("health is 503 for fail, and pass without components", async () => {
  const failed = await ask("health", source([component("a", ["x", fails], ["y", warns])]));
  expect(failed.status).toBe(503);
  expect(failed.json).toMatchObject({ status: "fail" });
  const empty = await ask("health", source([]));
  expect(empty.status).toBe(200);
  expect(empty.json).toMatchObject({ status: "pass", components: [], checks: {} });
});

test("checks of the same name are all shown", async () => {
  const { json } = await ask("health", source([component("a", ["x", ok], ["x", fails])]));
  expect(json).toMatchObject({ checks: { "a:x": [{ status: "pass" }, { status: "fail" }] } });
});

test("health of one component looks only at that component", async () => {
  let runs = 0;
  const counts: Check = () => void runs++;
  const from = source([component("a", ["x", ok]), component("b", ["y", counts], ["z", fails])]);
  const a = await ask("health", from, "component=a");
  expect(a.status).toBe(200);
  expect(a.json).toMatchObject({ status: "pass", components: [{ name: "a" }] });
  expect(runs).toBe(0);
  expect((await ask("health", from, "component=b")).status).toBe(503);

  for (const query of ["component=c", "component="]) {
    const unknown = await ask("health", from, query);
    expect(unknown.status).toBe(404);
    expect(unknown.headers["content-type"]).toBe("application/json");
    expect(unknown.json).toMatchObject({ error: expect.stringContaining("no component") });
  }
});

test("health answers warn, and only warn, with the status that the query asks for", async () => {
  const answered: [Check, string, number][] = [
    [warns, "429", 429],
    [ok, "429", 200],
    [fails, "429", 503],
    [warns, "200", 200],
    [warns, "599", 599],
  ];
  for (const [run, asked, status] of answered) {
    const from = source([component("a", ["x", run])]);
    expect((await ask("health", from, `warning=${asked}`)).status).toBe(status);
  }
});

test("a warning status that is not an integer from 200 to 599 is a bad request", async () => {
  for (const refused of ["", "199", "600", "1000", "-429", "429.5", "4e2", "0x1ad", " 429", "NaN"]) {
    const query = `warning=${encodeURIComponent(refused)}`;
    const { status, json } = await ask("health", source([component("a", ["x", warns])]), query);
    expect([refused, status]).toEqual([refused, 400]);
    expect(json).toMatchObject({ error: expect.stringContaining("200 to 599") });
  }
});

test("without details no answer contains what checks say", async () => {
  const from = source([component("a", ["x", fails], ["y", warns])], { details: false });
  for (const kind of ["health", "readyz"] as const) {
    const { status, body } = await ask(kind, from);
    expect(status).toBe(503);
    expect(body).not.toContain("connection refused");
    expect(body).not.toContain("disk");
    expect(body).not.toContain("output");
  }
});

test("a component that cannot report is in error and does not break the answer", async () => {
  const broken: HealthComponent = {
    name: "a",
    version: "1.2.3",
    state: "running",
    report() {
      throw new Error("bug");
    },
  };
  const from = source([broken, component("b", ["x", ok])]);
  expect((await ask("readyz", from)).status).toBe(503);
  const { status, json } = await ask("health", from);
  expect(status).toBe(503);
  expect(json).toMatchObject({
    components: [{ name: "a", status: "fail" }, { name: "b", status: "pass" }],
    checks: { "a:report": [{ status: "fail", output: "no report: bug" }] },
  });
});

test("a report without failed checks that is in error has a reason, too", async () => {
  const odd: HealthComponent = {
    ...component("a"),
    report: () => Promise.resolve({ status: "error", checks: [] }),
  };
  expect((await ask("readyz", source([odd]))).json).toMatchObject({
    reasons: ["component a is in error"],
  });
});

test("a caller that goes away ends the wait for its answer", async () => {
  const never = component("a", ["x", () => new Promise<void>(() => {})]);
  for (const kind of ["readyz", "health"] as const) {
    const caller = new AbortController();
    const answer = healthResponse(kind, new URLSearchParams(), source([never]), caller.signal);
    caller.abort(new Error("went away"));
    await expect(answer).rejects.toThrow("went away");
  }
});
