import { EventEmitter } from "node:events";
import type { Agent } from "node:http";
import type Consul from "consul";
import { configurationError } from "../../error.ts";
import type { HealthStatus } from "../../contract/instance.ts";
import type { Endpoint } from "./address.ts";

/** What each request through the library carries. */
export interface CallOptions {
  readonly token: string | undefined;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** The requests that npm `consul` makes for us. */
export interface Library {
  report(checkId: string, health: HealthStatus, note: string, options: CallOptions): Promise<void>;
  deregister(id: string, options: CallOptions): Promise<void>;
}

/** An answer that is not 2xx, as npm `consul` throws it. */
export interface LibraryRefusal {
  readonly statusCode: number;
  readonly response: { readonly body?: unknown };
}

/** Whether something that was thrown by the library is an answer of the agent. */
export function isLibraryRefusal(thrown: unknown): thrown is LibraryRefusal {
  return thrown instanceof Error && "isResponse" in thrown && "statusCode" in thrown;
}

/**
 * npm `consul`, loaded on first use, for what it carries faithfully: check
 * updates and deregistering. The rest goes beside it, over `send`:
 *
 * - `agent.service.register` drops `Weights`, `EnableTagOverride` and
 *   `replace-existing-checks`.
 * - `watch()` floods a server that answers at once, retries index 0 for ever,
 *   sees a cut answer only at its timeout, has no jitter, and ends for good
 *   when the index is missing. Single queries share the cut answer.
 * - There is no call for `agent/service/:id` and `acl/authorize`.
 * - It takes no `ca` or `cert`, and its own agent opens sockets without a
 *   limit: both are solved by the agent that is passed in here.
 */
export async function library(to: Endpoint, agent: Agent): Promise<Library> {
  const Client = await load();
  const client = new Client({
    // An agent with `socketPath` ignores host and port.
    ...("host" in to ? { host: bracketed(to.host), port: to.port } : {}),
    secure: to.secure,
    agent,
  });
  const { check, service } = client.agent;
  return {
    report: (id, health, note, options) =>
      request(options, (common) => {
        const update = { ...common, id, note };
        if (health === "ok") return check.pass(update);
        return health === "warning" ? check.warn(update) : check.fail(update);
      }),
    deregister: (id, options) =>
      request(options, (common) => service.deregister({ ...common, id })),
  };
}

async function load(): Promise<typeof Consul> {
  try {
    return (await import("consul")).default;
  } catch (error) {
    throw configurationError(
      `The Consul registry needs the package "consul": npm install consul (${String(error)})`,
    );
  }
}

/** Options that the library takes, though its types know only `token`. */
interface Common {
  readonly token?: string;
  readonly timeout: number;
  readonly ctx: EventEmitter;
}

async function request(
  options: CallOptions,
  call: (common: Common) => Promise<unknown>,
): Promise<void> {
  options.signal.throwIfAborted();
  const ctx = new EventEmitter();
  const cancel = (): void => {
    ctx.emit("cancel");
  };
  options.signal.addEventListener("abort", cancel, { once: true });
  try {
    const token = options.token === undefined ? {} : { token: options.token };
    await call({ ...token, timeout: options.timeoutMs, ctx });
  } finally {
    options.signal.removeEventListener("abort", cancel);
  }
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
