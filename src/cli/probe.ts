import { Code, ConnectError, createClient } from "@connectrpc/connect";
import type { Client } from "@connectrpc/connect";
import { Health, HealthCheckResponse_ServingStatus as Serving } from "../../gen/grpc/health/v1/health_pb.ts";
import type { HealthStatus, Instance } from "../contract/instance.ts";
import { progressOf } from "../protocol/progress.ts";
import { direct, directAddress } from "./direct.ts";
import { failureOf } from "./failure.ts";
import type { Failure } from "./failure.ts";
import { getJson } from "./http-get.ts";

/**
 * How an instance is: what it says itself; `UNREACHABLE` when it does not
 * answer; `UNKNOWN` when it answers, but not to that question.
 */
export type ProbeStatus = "SERVING" | "NOT_SERVING" | "UNREACHABLE" | "UNKNOWN";

/** A check as `/health` shows it. */
export interface ProbeCheck {
  readonly name: string;
  /** `pass`, `warn` or `fail`. */
  readonly status: string;
  readonly output?: string | undefined;
}

/** What one instance answered, in the shape that `--json` prints. */
export interface Probe {
  readonly component: string;
  readonly id: string;
  readonly version: string;
  readonly address: string;
  /** What the registry last heard. */
  readonly registry: HealthStatus;
  readonly status: ProbeStatus;
  /** Status of each service, as `grpc.health.v1.Health/Check` answers. */
  readonly services: Readonly<Record<string, string>>;
  readonly checks: readonly ProbeCheck[];
  /** Why the status is `UNREACHABLE` or `UNKNOWN`. */
  readonly error?: Failure | undefined;
}

const servingNames = new Map<number, string>(Object.entries(Serving).map(([name, at]) => [at, name]));

/** Asks an instance at its address. Never rejects. */
export async function probe(of: Instance, signal: AbortSignal): Promise<Probe> {
  const { component, id, version, health: registry } = of;
  const address = directAddress(of) ?? "";
  const [asked, checks] = await Promise.all([
    askGrpc(of.services, address, signal),
    askHttp(component, address, signal).catch(() => undefined),
  ]);
  const { services, error } = asked;
  return {
    component,
    id,
    version,
    address,
    registry,
    status: asked.status ?? checks?.status ?? "UNKNOWN",
    services,
    checks: checks?.checks ?? [],
    ...(error === undefined || (asked.status === undefined && checks !== undefined)
      ? {}
      : { error: failureOf(error) }),
  };
}

interface Asked {
  /** Undefined when the question was not understood. */
  readonly status: ProbeStatus | undefined;
  readonly services: Readonly<Record<string, string>>;
  readonly error?: unknown;
}

async function askGrpc(
  names: readonly string[],
  address: string,
  signal: AbortSignal,
): Promise<Asked> {
  const services: Record<string, string> = {};
  try {
    await using transport = direct(address, signal);
    const client = createClient(Health, transport);
    await Promise.all(
      names.map(async (name) => {
        services[name] = await check(client, name, signal);
      }),
    );
    // A server that only knows how it is as a whole.
    const known = Object.values(services).filter((status) => status !== "SERVICE_UNKNOWN");
    if (known.length === 0) known.push(await check(client, "", signal));
    const serving = known.every((status) => status === "SERVING");
    return { status: serving ? "SERVING" : "NOT_SERVING", services };
  } catch (error) {
    const late = signal.aborted || ConnectError.from(error).code === Code.DeadlineExceeded;
    const progress = progressOf(error);
    const lost = late || (progress !== undefined && progress !== "local");
    return { status: lost ? "UNREACHABLE" : undefined, services: {}, error };
  }
}

async function check(client: Client<typeof Health>, service: string, signal: AbortSignal): Promise<string> {
  try {
    const { status } = await client.check({ service }, { signal });
    return servingNames.get(status) ?? "UNKNOWN";
  } catch (error) {
    if (ConnectError.from(error).code === Code.NotFound) return "SERVICE_UNKNOWN";
    throw error;
  }
}

/** What is read of a body in the shape of draft-inadarei-api-health-check-06. */
interface HealthBody {
  readonly status?: unknown;
  readonly checks?: Readonly<Record<string, ReadonlyArray<{ status?: unknown; output?: unknown }>>>;
}

async function askHttp(
  component: string,
  address: string,
  signal: AbortSignal,
): Promise<{ status: ProbeStatus | undefined; checks: readonly ProbeCheck[] } | undefined> {
  const path = `/health?component=${encodeURIComponent(component)}`;
  const body = (await getJson(address, path, signal)) as HealthBody | null;
  if (typeof body?.status !== "string") return undefined;
  const checks = Object.entries(body.checks ?? {}).flatMap(([key, entries]) =>
    entries.map(({ status, output }) => ({
      // `component:check`; the component is known.
      name: key.startsWith(`${component}:`) ? key.slice(component.length + 1) : key,
      status: String(status),
      ...(typeof output === "string" ? { output } : {}),
    })),
  );
  return { status: body.status === "fail" ? "NOT_SERVING" : "SERVING", checks };
}
