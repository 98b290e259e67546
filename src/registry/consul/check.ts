import type { HealthStatus } from "../../contract/instance.ts";
import { configurationError } from "../../error.ts";
import type { Settings } from "./options.ts";
import type { MainAddress } from "./main-address.ts";

/**
 * A check as the agent reads it. Names are in CamelCase because Consul 1.8
 * silently ignores `grpc_use_tls` in snake case.
 */
export interface CheckDefinition {
  readonly CheckID: string;
  readonly Name: string;
  readonly Status: CheckStatus;
  readonly DeregisterCriticalServiceAfter: string;
  readonly TTL?: string;
  readonly HTTP?: string;
  readonly GRPC?: string;
  readonly GRPCUseTLS?: boolean;
  readonly Interval?: string;
  readonly Timeout?: string;
}

/** Status of a check in Consul's words. */
export type CheckStatus = "passing" | "warning" | "critical";

const statuses: Readonly<Record<HealthStatus, CheckStatus>> = {
  ok: "passing",
  warning: "warning",
  error: "critical",
};

/** What the check of one instance is made of. */
export interface CheckInit {
  readonly id: string;
  readonly component: string;
  readonly service: string | undefined;
  readonly health: HealthStatus;
  /** Where the agent can ask, when the instance has such an address. */
  readonly main: MainAddress | undefined;
}

/** The check of an instance. Throws `invalid_argument` when the agent has nowhere to ask. */
export function checkDefinition(
  of: CheckInit,
  { check, deregisterCriticalAfterMs }: Settings,
): CheckDefinition {
  const common = {
    CheckID: `service:${of.id}`,
    Name: `${of.component} ${check.kind}`,
    // Consul's default is critical, which would hide the instance until the first report.
    Status: statuses[of.health],
    DeregisterCriticalServiceAfter: milliseconds(deregisterCriticalAfterMs),
  };
  if (check.kind === "ttl") return { ...common, TTL: milliseconds(check.ttlMs) };
  if (of.main === undefined) {
    throw configurationError(
      `Consul cannot check "${of.component}" by ${check.kind}: none of its channels has an ` +
        `http address. Use the check kind "ttl"`,
    );
  }
  const timing = {
    Interval: milliseconds(check.intervalMs),
    Timeout: milliseconds(check.timeoutMs),
  };
  const { host, port, secure } = of.main;
  if (check.kind === "http") {
    const query = new URLSearchParams({ component: of.component, warning: "429" }).toString();
    const origin = `${secure ? "https" : "http"}://${host}:${port}`;
    return { ...common, ...timing, HTTP: `${origin}/health?${query}` };
  }
  const service = of.service === undefined ? "" : `/${of.service}`;
  return { ...common, ...timing, GRPC: `${host}:${port}${service}`, GRPCUseTLS: secure };
}

/** A duration as Go reads it. Whole milliseconds. */
function milliseconds(ms: number): string {
  return `${Math.round(ms)}ms`;
}
