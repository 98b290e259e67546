import type { ConnectionOptions } from "node:tls";
import { configurationError } from "../../error.ts";

/** How Consul learns that an instance lives and how well it is. */
export type ConsulCheck =
  /**
   * The instance reports its health itself, with a heartbeat. Works behind NAT
   * and firewalls, and carries `warning`. Without a heartbeat for `ttlMs`
   * (default 15 000) Consul takes the instance as critical. A heartbeat is sent
   * each `heartbeatMs` (default a third of `ttlMs`).
   */
  | {
      readonly kind: "ttl";
      readonly ttlMs?: number | undefined;
      readonly heartbeatMs?: number | undefined;
    }
  /**
   * The agent asks `GET <address>/health?component=<name>&warning=429` each
   * `intervalMs` (default 5 000), for at most `timeoutMs` (default 2 000).
   * Consul reads 2xx as passing, 429 as warning, anything else as critical.
   * With `https` addresses the agent must trust the instance's certificate.
   */
  | {
      readonly kind: "http";
      readonly intervalMs?: number | undefined;
      readonly timeoutMs?: number | undefined;
    }
  /**
   * The agent calls `grpc.health.v1.Health/Check` for the first service each
   * `intervalMs` (default 5 000), for at most `timeoutMs` (default 2 000).
   * gRPC health knows no warning. Opens a new connection each time.
   */
  | {
      readonly kind: "grpc";
      readonly intervalMs?: number | undefined;
      readonly timeoutMs?: number | undefined;
    };

/** Options of the Consul registry. All have safe defaults. */
export interface ConsulOptions {
  /**
   * Address of the Consul agent: `http://host:port`, `https://host:port`,
   * `host:port` or `unix:/path`. Default: the environment variable
   * `CONSUL_HTTP_ADDR`, else `http://127.0.0.1:8500`.
   */
  readonly address?: string | undefined;
  /**
   * ACL token, or a function that gives the current one. The function is asked
   * before each request, so a token can rotate without a restart. Registering
   * needs `service:write` on the component's name; looking up needs
   * `service:read` and `node:read`. Default: `CONSUL_HTTP_TOKEN`, else none.
   */
  readonly token?: string | (() => string | Promise<string>) | undefined;
  /** TLS of the connection to the agent: `ca`, `cert`, `key`, `servername`. */
  readonly tls?: ConnectionOptions | undefined;
  /** Datacenter to look services up in. Default: the agent's own. */
  readonly datacenter?: string | undefined;
  /** How Consul checks registered instances. Default `{ kind: "ttl" }`. */
  readonly check?: ConsulCheck | undefined;
  /**
   * How long an instance may be critical before Consul removes it by itself,
   * in milliseconds. Consul's minimum is 60 000. Default 600 000.
   */
  readonly deregisterCriticalAfterMs?: number | undefined;
  /** How long one blocking query may wait for a change, in milliseconds. Default 55 000. */
  readonly waitMs?: number | undefined;
  /**
   * How far a Consul server may lag behind its leader before its answer is
   * asked for again from the leader, in milliseconds. Default 10 000.
   */
  readonly staleBoundMs?: number | undefined;
  /**
   * How often a registration with an `http` or `grpc` check is looked at, to
   * add it again when the agent has lost it. In milliseconds, default 10 000.
   * The heartbeats of a `ttl` check do that by themselves.
   */
  readonly verifyMs?: number | undefined;
  /**
   * How many requests a second one watch may make in the long run, so that a
   * registry that answers at once is not flooded. Two in a row are always
   * possible. Default 1.
   */
  readonly requestsPerSecond?: number | undefined;
}

/** The check with all defaults filled in. */
export type Check =
  | { readonly kind: "ttl"; readonly ttlMs: number; readonly heartbeatMs: number }
  | { readonly kind: "http" | "grpc"; readonly intervalMs: number; readonly timeoutMs: number };

/** {@link ConsulOptions} with all defaults filled in and checked. */
export interface Settings {
  readonly address: string;
  readonly token: () => string | undefined | Promise<string>;
  readonly tls: ConnectionOptions | undefined;
  readonly datacenter: string | undefined;
  readonly check: Check;
  readonly deregisterCriticalAfterMs: number;
  readonly waitMs: number;
  readonly staleBoundMs: number;
  readonly verifyMs: number;
  readonly requestsPerSecond: number;
}

/** Fills in the defaults. Throws `invalid_argument` for values that cannot work. */
export function settings(options: ConsulOptions): Settings {
  const env = process.env;
  const token = options.token ?? env["CONSUL_HTTP_TOKEN"];
  const afterMs = positive("deregisterCriticalAfterMs", options.deregisterCriticalAfterMs, 600_000);
  if (afterMs < 60_000) {
    throw configurationError(
      `consul: deregisterCriticalAfterMs is ${afterMs}, but Consul's minimum is 60000 (1 minute)`,
    );
  }
  const waitMs = positive("waitMs", options.waitMs, 55_000);
  if (waitMs > 600_000) {
    throw configurationError(`consul: waitMs is ${waitMs}, but Consul's maximum is 600000`);
  }
  return {
    address: options.address ?? (env["CONSUL_HTTP_ADDR"] || "http://127.0.0.1:8500"),
    token: typeof token === "function" ? token : () => (token === "" ? undefined : token),
    tls: options.tls,
    datacenter: options.datacenter,
    check: check(options.check ?? { kind: "ttl" }),
    deregisterCriticalAfterMs: afterMs,
    waitMs,
    staleBoundMs: positive("staleBoundMs", options.staleBoundMs, 10_000),
    verifyMs: positive("verifyMs", options.verifyMs, 10_000),
    requestsPerSecond: positive("requestsPerSecond", options.requestsPerSecond, 1),
  };
}

function check(of: ConsulCheck): Check {
  if (!["ttl", "http", "grpc"].includes(of.kind)) {
    throw configurationError(`consul: check.kind is "${of.kind}", but must be ttl, http or grpc`);
  }
  if (of.kind !== "ttl") {
    const intervalMs = positive("check.intervalMs", of.intervalMs, 5_000);
    const timeoutMs = positive("check.timeoutMs", of.timeoutMs, 2_000);
    return { kind: of.kind, intervalMs, timeoutMs };
  }
  const ttlMs = positive("check.ttlMs", of.ttlMs, 15_000);
  const heartbeatMs = positive("check.heartbeatMs", of.heartbeatMs, ttlMs / 3);
  if (heartbeatMs >= ttlMs) {
    throw configurationError(
      `consul: check.heartbeatMs is ${heartbeatMs}, but must be below check.ttlMs, ${ttlMs}`,
    );
  }
  return { kind: "ttl", ttlMs, heartbeatMs };
}

function positive(name: string, value: number | undefined, fallback: number): number {
  const number = value ?? fallback;
  if (Number.isFinite(number) && number > 0) return number;
  throw configurationError(`consul: ${name} must be a number above 0, not ${number}`);
}
