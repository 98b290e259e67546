import type { HealthStatus } from "../contract/instance.ts";
import { errorText } from "../error.ts";
import { worst, type CheckResult, type HealthReport } from "./report.ts";

/** Which question an HTTP health request asks: each is the path of its endpoint. */
export type HealthKind = "livez" | "readyz" | "health";

/** A component as the health endpoints see it. */
export interface HealthComponent {
  readonly name: string;
  readonly version: string;
  /** Its state in its life cycle, such as `running`. Shown, never judged. */
  readonly state: string;
  /** Runs its health checks. When it rejects, the component counts as `error`. */
  report(signal?: AbortSignal): Promise<HealthReport>;
}

/** What a registry's client knows of one target. */
export interface RegistryDetail {
  /** The service or component that is looked up. */
  readonly target: string;
  /** `stale` while the registry cannot be asked and the last known instances are used. */
  readonly state: "ok" | "stale";
  /** For how long the state has lasted, in milliseconds. */
  readonly sinceMs?: number | undefined;
  /** Why the state is `stale`. Shown only with details. */
  readonly message?: string | undefined;
  /** How many instances are known. */
  readonly instances: number;
}

/** Where the health endpoints get their answers from. */
export interface HealthSource {
  /** Name of the mesh, the `serviceId` of `/health`. */
  readonly name?: string | undefined;
  /** State of the mesh; it is ready only while `running`. */
  state(): string;
  /** The components that the mesh hosts. */
  components(): readonly HealthComponent[];
  /** What the registry's client knows of its targets. */
  registry?(): readonly RegistryDetail[];
  /** Whether answers contain the messages of checks and of the registry. */
  readonly details: boolean;
}

/** An answer to an HTTP health request, for any HTTP framework. */
export interface HealthResponse {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}

/**
 * Answers the HTTP health endpoints, without an HTTP framework.
 *
 * - `livez`: 200 as long as the process answers. It never looks at what the
 *   process depends on, since a restart would not help there.
 * - `readyz`: 200 while the mesh is running and no component is in `error`,
 *   503 with the reasons otherwise. A stale registry is shown, but the last
 *   known instances still serve, so it does not make the mesh unready.
 * - `health`: all checks in the shape of draft-inadarei-api-health-check-06;
 *   200 for `pass` and `warn`, 503 for `fail`. `?component=<name>` asks for one
 *   component, 404 when there is none of that name. `?warning=<status>` answers
 *   `warn` with another HTTP status, such as the 429 that a Consul HTTP check
 *   reads as a warning; 400 when it is not an integer from 200 to 599.
 *
 * Rejects only with the signal's reason, when the signal aborts.
 */
export function healthResponse(
  kind: HealthKind,
  query: URLSearchParams,
  source: HealthSource,
  signal?: AbortSignal,
): Promise<HealthResponse> {
  if (kind === "livez") return Promise.resolve(json(200, { status: "pass" }));
  return kind === "readyz" ? readiness(source, signal) : health(query, source, signal);
}

async function readiness(source: HealthSource, signal?: AbortSignal): Promise<HealthResponse> {
  const reasons: string[] = [];
  if (source.state() === "running") {
    for (const { component, report } of await reports(source.components(), signal)) {
      if (report.status === "error") reasons.push(...failures(component.name, report, source));
    }
  }
  // Asked for again: a drain may have begun while the checks ran.
  const state = source.state();
  if (state !== "running") reasons.unshift(`the mesh is ${state}, not running`);
  const ready = reasons.length === 0;
  const registry = source.registry?.().map(({ message, ...shown }) => ({
    ...shown,
    ...(source.details ? { message } : {}),
  }));
  return json(ready ? 200 : 503, { status: ready ? "pass" : "fail", state, reasons, registry });
}

function failures(component: string, report: HealthReport, source: HealthSource): string[] {
  const failed = report.checks.filter((check) => check.status === "error");
  if (failed.length === 0) return [`component ${component} is in error`];
  return failed.map(({ name, message }) => {
    const reason = `check ${name} of component ${component} failed`;
    return source.details && message !== undefined ? `${reason}: ${message}` : reason;
  });
}

async function health(
  query: URLSearchParams,
  source: HealthSource,
  signal?: AbortSignal,
): Promise<HealthResponse> {
  const warnStatus = httpStatus(query.get("warning") ?? "200");
  if (warnStatus === undefined) {
    return json(400, { error: "warning must be an HTTP status: an integer from 200 to 599" });
  }
  const name = query.get("component");
  const components = source.components().filter((one) => name === null || one.name === name);
  if (name !== null && components.length === 0) {
    return json(404, { error: `there is no component ${name} here` });
  }

  const reported = await reports(components, signal);
  const status = worst(reported.map(({ report }) => report.status));
  const checks = new Map<string, object[]>();
  for (const { component, report } of reported) {
    for (const check of report.checks) {
      const key = `${component.name}:${check.name}`;
      const entry = checkEntry(component.name, check, source.details);
      checks.set(key, [...(checks.get(key) ?? []), entry]);
    }
  }
  const body = {
    status: words[status],
    serviceId: source.name,
    state: source.state(),
    components: reported.map(({ component, report }) => ({
      name: component.name,
      version: component.version,
      state: component.state,
      status: words[report.status],
    })),
    checks: Object.fromEntries(checks),
  };
  const code = { ok: 200, warning: warnStatus, error: 503 }[status];
  return json(code, body, "application/health+json");
}

/** The draft's words for a status. */
const words: Readonly<Record<HealthStatus, string>> = {
  ok: "pass",
  warning: "warn",
  error: "fail",
};

function checkEntry(component: string, check: CheckResult, details: boolean): object {
  return {
    componentId: component,
    componentType: "component",
    status: words[check.status],
    time: new Date(check.checkedAt).toISOString(),
    // To the microsecond: what is beyond is noise of floating-point numbers.
    observedValue: Math.round(check.durationMs * 1_000) / 1_000,
    observedUnit: "ms",
    ...(details && check.status !== "ok" ? { output: check.message } : {}),
  };
}

interface ComponentReport {
  readonly component: HealthComponent;
  readonly report: HealthReport;
}

function reports(
  components: readonly HealthComponent[],
  signal?: AbortSignal,
): Promise<ComponentReport[]> {
  return Promise.all(
    components.map(async (component) => {
      const start = performance.now();
      try {
        return { component, report: await component.report(signal) };
      } catch (error) {
        signal?.throwIfAborted();
        const result: CheckResult = {
          name: "report",
          status: "error",
          durationMs: performance.now() - start,
          checkedAt: Date.now(),
          message: `no report: ${errorText(error)}`,
        };
        return { component, report: { status: "error", checks: [result] } };
      }
    }),
  );
}

/** Number() would also take `2e2`, ` 200` and `0xc8`. */
function httpStatus(text: string): number | undefined {
  return /^[2-5]\d\d$/.test(text) ? Number(text) : undefined;
}

function json(status: number, body: object, type = "application/json"): HealthResponse {
  const headers = { "content-type": type, "cache-control": "no-store" };
  return { status, headers, body: JSON.stringify(body) };
}
