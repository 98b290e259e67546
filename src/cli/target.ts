import { Code } from "@connectrpc/connect";
import { Latest } from "../async/latest.ts";
import { instance } from "../contract/instance.ts";
import type { Instance } from "../contract/instance.ts";
import { configurationError, meshError } from "../error.ts";
import { select } from "../registry/registry.ts";
import type { Registry, Snapshot } from "../registry/registry.ts";
import type { Io } from "./io.ts";
import { inTime, listed, openRegistry } from "./lookup.ts";
import type { Values } from "./options.ts";
import { didYouMean, UsageError } from "./usage-error.ts";

/** The instances that a call may go to. */
export interface CallTarget {
  readonly instances: readonly Instance[];
  /** Whether it goes there whatever the contract and the registry say. */
  readonly pinned: boolean;
}

/**
 * Finds out where calls of a service may go: to `--address`, to `--instance`,
 * or to those that the registry offers. Rejects when there is none, and says
 * what there is.
 *
 * @param channels names of the channels that `--address` may be called over
 */
export async function findTarget(
  service: string,
  channels: readonly string[],
  values: Values,
  io: Io,
): Promise<CallTarget> {
  const { address, instance: id } = values;
  if (address !== undefined) {
    if (id !== undefined) throw new UsageError("--address and --instance exclude each other");
    return { instances: [addressed(address, service, channels)], pinned: true };
  }
  const place = openRegistry(values, io);
  if (id !== undefined) {
    const all = await listed(place, values, io);
    const found = all.find((of) => of.id === id);
    if (found !== undefined) return { instances: [found], pinned: true };
    const serving = all.filter((of) => of.services.includes(service)).map((of) => of.id);
    throw notFound(
      `no instance ${id} is in the registry ${place.where}; ${service} is served by ` +
        (serving.join(", ") || "none"),
      { instance: id },
    );
  }
  const { instances, problem } = await inTime(values, io, `the registry ${place.where}`, (signal) =>
    firstSnapshot(place.registry, service, signal),
  );
  if (instances.length > 0) return { instances, pinned: false };
  if (problem !== undefined) throw problem;
  const all = await listed(place, values, io);
  const services = [...new Set(all.flatMap((of) => of.services))].sort();
  const near = didYouMean(service, services);
  const known = services.length === 0 ? "it is empty" : `it has ${services.join(", ")}`;
  const inError = all.filter((of) => of.services.includes(service)).map((of) => of.id);
  throw notFound(
    `no instance in the registry ${place.where} serves ${service}; ` +
      (inError.length > 0 ? `${inError.join(", ")} would, but is in error` : (near ?? known)),
    { service },
  );
}

/** A registry of what was found, for a mesh that makes one call. */
export function fixedRegistry({ instances, pinned }: CallTarget): Registry {
  return {
    name: "found",
    register: () => Promise.reject(configurationError("nothing can be registered here")),
    watch: (target, signal) => {
      const latest = new Latest<Snapshot>();
      latest.set(pinned ? { instances } : select(target, instances));
      return latest.read(signal);
    },
  };
}

async function firstSnapshot(
  registry: Registry,
  service: string,
  signal: AbortSignal,
): Promise<Snapshot> {
  for await (const snapshot of registry.watch({ service }, signal)) return snapshot;
  throw signal.reason;
}

/** An instance of which only the address is known. */
export function addressed(address: string, service: string, channels: readonly string[]): Instance {
  const isHttp = /^https?:\/\/[^/]+\/?$/.test(address) && URL.canParse(address);
  if (!isHttp && !/^unix:\/./.test(address)) {
    throw new UsageError(
      `--address ${address}: must be http://host:port, https://host:port or unix:/path`,
    );
  }
  const clean = isHttp ? address.replace(/\/$/, "") : address;
  return instance({
    id: clean,
    component: "address",
    services: [service],
    channels: Object.fromEntries(channels.map((name) => [name, clean])),
  });
}

function notFound(message: string, metadata: Readonly<Record<string, string>>): Error {
  return meshError(Code.Unavailable, "NO_INSTANCE", message, { metadata });
}
