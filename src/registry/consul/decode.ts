import type { HealthStatus, Instance } from "../../contract/instance.ts";
import { channelPrefix, isOwnKey, layout } from "./meta.ts";

/** An entry that is meant for a mesh but cannot be read. */
export interface CorruptEntry {
  /** Which entry it is, for people. */
  readonly source: string;
  readonly error: unknown;
}

/** What an answer of `/v1/health/service/:name` holds. */
export interface Entries {
  /** How many entries the answer had, of whatever kind. */
  readonly count: number;
  /** The mesh's instances, those in `error` included. */
  readonly instances: readonly Instance[];
  readonly corrupt: readonly CorruptEntry[];
}

/**
 * Reads the answer of `/v1/health/service/:name`. Entries of others, without
 * `channels` in their meta, are passed over. Throws a `TypeError` when the
 * answer as a whole is not a list.
 */
export function decodeEntries(answer: unknown): Entries {
  if (!Array.isArray(answer)) throw new TypeError("the answer is not a list");
  const instances = new Map<string, Instance>();
  const corrupt: CorruptEntry[] = [];
  for (const entry of answer as readonly unknown[]) {
    try {
      const read = decodeEntry(entry);
      // An instance that re-registered at another agent is there twice for a while.
      if (read !== undefined && isBetter(read, instances.get(read.id))) {
        instances.set(read.id, read);
      }
    } catch (error) {
      corrupt.push({ source: sourceOf(entry), error });
    }
  }
  return { count: answer.length, instances: [...instances.values()], corrupt };
}

/** Reads one entry; undefined when it is none of the mesh's. */
function decodeEntry(json: unknown): Instance | undefined {
  const entry = record(json, "entry");
  const service = record(entry["Service"], "Service");
  const meta = record(service["Meta"] ?? {}, "Meta");
  if (meta["mesh"] === undefined && meta["channels"] === undefined) return undefined;
  if (meta["mesh"] !== undefined && meta["mesh"] !== layout) {
    const found = JSON.stringify(meta["mesh"]);
    throw new TypeError(`the meta layout "mesh" is ${found}, but only "${layout}" is known`);
  }
  const node = record(entry["Node"] ?? {}, "Node");
  const id = text(service["ID"], "ID");
  const weights = record(service["Weights"] ?? {}, "Weights");
  return {
    // Others choose ids that are unique for an agent only, such as the name.
    id: meta["mesh"] === undefined ? `${text(node["Node"], "Node")}:${id}` : id,
    component: text(service["Service"], "Service"),
    version: optionalText(meta["version"], "version") ?? "0.0.0",
    services: list(service["Tags"] ?? [], "Tags").map((tag) => text(tag, "Tags")),
    channels: channelsOf(meta, service, node),
    weight: weight(weights["Passing"], "Weights.Passing"),
    warningWeight: weight(weights["Warning"], "Weights.Warning"),
    health: worst(list(entry["Checks"] ?? [], "Checks")),
    ...(meta["zone"] === undefined ? {} : { zone: text(meta["zone"], "zone") }),
    metadata: metadataOf(meta),
  };
}

function channelsOf(
  meta: Readonly<Record<string, unknown>>,
  service: Readonly<Record<string, unknown>>,
  node: Readonly<Record<string, unknown>>,
): Record<string, string> {
  const channels: Record<string, string> = {};
  for (const part of text(meta["channels"], "channels").split(",")) {
    const name = text(part.trim(), "channels");
    const own = meta[channelPrefix + name];
    channels[name] = own === undefined ? mainAddress(meta, service, node) : address(own, name);
  }
  return channels;
}

/** Consul leaves the address of a service empty when it is the node's. */
function mainAddress(
  meta: Readonly<Record<string, unknown>>,
  service: Readonly<Record<string, unknown>>,
  node: Readonly<Record<string, unknown>>,
): string {
  const host = text(service["Address"] || node["Address"], "Address");
  const port = service["Port"];
  if (typeof port !== "number" || port < 1) throw new TypeError("Port must be above 0");
  const scheme = meta["scheme"] ?? "http";
  if (scheme !== "http" && scheme !== "https") throw new TypeError("scheme must be http or https");
  return `${scheme}://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

function address(value: unknown, channel: string): string {
  const found = text(value, channelPrefix + channel);
  const isHttp = /^https?:\/\//.test(found) && URL.canParse(found);
  if (isHttp || found.startsWith("unix:/")) return found;
  throw new TypeError(`${channelPrefix}${channel} must be an http, https or unix address`);
}

/** The worst of all checks, that of the node and maintenance included. */
function worst(checks: readonly unknown[]): HealthStatus {
  let health: HealthStatus = "ok";
  for (const check of checks) {
    const status = record(check, "Checks")["Status"];
    if (status === "warning") health = "warning";
    else if (status !== "passing") return "error";
  }
  return health;
}

function isBetter(one: Instance, than: Instance | undefined): boolean {
  const rank = { ok: 0, warning: 1, error: 2 };
  return than === undefined || rank[one.health] < rank[than.health];
}

function metadataOf(meta: Readonly<Record<string, unknown>>): Record<string, string> {
  const metadata: Record<string, string> = {};
  for (const [key, value] of Object.entries(meta)) {
    if (!isOwnKey(key) && !key.startsWith("consul-")) metadata[key] = String(value);
  }
  return metadata;
}

function sourceOf(entry: unknown): string {
  const service = (entry as { Service?: { Service?: unknown; ID?: unknown } } | null)?.Service;
  return `Consul service ${String(service?.Service)}, id ${String(service?.ID)}`;
}

function record(value: unknown, name: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new TypeError(`${name} must be an object`);
}

function list(value: unknown, name: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new TypeError(`${name} must be a list`);
}

function text(value: unknown, name: string): string {
  if (typeof value === "string" && value !== "") return value;
  throw new TypeError(`${name} must be a non-empty string`);
}

function optionalText(value: unknown, name: string): string | undefined {
  return value === undefined || value === "" ? undefined : text(value, name);
}

/** Consul's own default weight is 1. */
function weight(value: unknown, name: string): number {
  const number = value ?? 1;
  if (Number.isInteger(number) && (number as number) >= 0 && (number as number) <= 65_535) {
    return number as number;
  }
  throw new TypeError(`${name} must be an integer from 0 to 65535`);
}
