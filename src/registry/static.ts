import { Latest } from "../async/latest.ts";
import { type Instance, instance, parseInstance } from "../contract/instance.ts";
import type { Target } from "../contract/target.ts";
import { configurationError, errorText } from "../error.ts";
import { byId, type Lease, type ListableRegistry, select, type Snapshot } from "./registry.ts";

/** A fixed instance that says more than its address. */
export interface StaticInstance
  extends Partial<
    Pick<Instance, "id" | "version" | "weight" | "warningWeight" | "zone" | "metadata">
  > {
  /** Address of each channel that the instance offers, by channel name. */
  readonly channels: Readonly<Record<string, string>>;
}

/**
 * Fixed addresses by the name of a component or the full name of a proto
 * service: `http://host:port`, `https://host:port`, `unix:/path`, or an
 * instance with channels of its own.
 */
export type StaticAddresses = Readonly<Record<string, ReadonlyArray<string | StaticInstance>>>;

/** Options of {@link staticRegistry}. */
export interface StaticRegistryOptions {
  /**
   * Names of the channels that each plain address offers. Default `protobuf`,
   * `json`, `grpc` and `grpc-web`: what a mesh listener serves on one port.
   */
  readonly channels?: readonly string[] | undefined;
}

const dnsLabel = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const protoName = /^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$/;

/**
 * A registry of fixed addresses, for peers that nothing registers. A key that
 * is a component's name matches every target with that component, whatever the
 * service; a key that is a service's full name matches every target with that
 * service. When both match, their instances are put together, and the component's
 * key says what an id means. As everywhere, snapshots are in order of id; a
 * plain address is its own id.
 *
 * Registering is allowed and does nothing: the addresses are fixed. A listing
 * shows each key's instances, under the key as their component; what those of a
 * component serve is not known. Throws
 * `invalid_argument` with the name of the key when an address makes no sense.
 */
export function staticRegistry(
  addresses: StaticAddresses,
  options: StaticRegistryOptions = {},
): ListableRegistry {
  const { channels = ["protobuf", "json", "grpc", "grpc-web"] } = options;
  const known = new Map<string, readonly Instance[]>();
  for (const [key, list] of Object.entries(addresses)) known.set(key, parseList(key, list, channels));

  return {
    name: "static",
    register: async (_instance, signal) => {
      signal?.throwIfAborted();
      return fixedLease;
    },
    watch: (target, signal) => {
      const latest = new Latest<Snapshot>();
      latest.set(look(known, target));
      return latest.read(signal);
    },
    list: async (signal) => {
      signal?.throwIfAborted();
      const all = [...known].flatMap(([key, instances]) =>
        // What could be a component's name is taken as one.
        instances.map((of) => ({ ...of, services: dnsLabel.test(key) ? [] : [key] })),
      );
      return byId(all);
    },
  };
}

const fixedLease: Lease = {
  setHealth: async () => {},
  [Symbol.asyncDispose]: async () => {},
};

function look(known: ReadonlyMap<string, readonly Instance[]>, target: Target): Snapshot {
  const found = new Map<string, Instance>();
  const keys = target.component === undefined ? [] : [target.component];
  for (const key of [...keys, target.service]) {
    for (const of of known.get(key) ?? []) {
      if (found.has(of.id)) continue;
      found.set(of.id, {
        ...of,
        component: target.component ?? of.component,
        services: [target.service],
      });
    }
  }
  return select(target, found.values());
}

function parseList(
  key: string,
  list: ReadonlyArray<string | StaticInstance>,
  channels: readonly string[],
): readonly Instance[] {
  if (!dnsLabel.test(key) && !protoName.test(key)) {
    throw invalid(key, "the key must be a component's name or the full name of a proto service");
  }
  if (!Array.isArray(list)) throw invalid(key, "there must be a list of addresses");
  const found = new Map<string, Instance>();
  for (const item of list) {
    const of = parseItem(key, item, channels);
    if (found.has(of.id)) {
      throw invalid(key, `${of.id} is there twice; leave one out, or give each an id of its own`);
    }
    found.set(of.id, of);
  }
  return [...found.values()];
}

function parseItem(
  key: string,
  item: string | StaticInstance,
  channels: readonly string[],
): Instance {
  const own: StaticInstance =
    typeof item === "string"
      ? { channels: Object.fromEntries(channels.map((channel) => [channel, item])) }
      : item;
  const offered: Array<[string, string]> = [];
  for (const [channel, address] of Object.entries(own.channels ?? {})) {
    offered.push([channel, parseAddress(key, address)]);
  }
  const first = offered[0];
  if (first === undefined) throw invalid(key, "each instance must offer at least one channel");
  try {
    // The target fills in what a key does not say, its component or its service.
    const init = { id: first[1], ...own, component: key, services: [key] };
    return parseInstance(instance({ ...init, channels: Object.fromEntries(offered) }));
  } catch (error) {
    throw invalid(key, errorText(error));
  }
}

function parseAddress(key: string, text: string): string {
  if (/^unix:(\/\/)?\/[^/]/.test(text)) return text.replace(/^unix:\/\/\//, "unix:/");
  if (/^https?:\/\//.test(text) && URL.canParse(text)) {
    const url = new URL(text);
    const bare = url.username + url.password + url.search + url.hash === "" && url.pathname === "/";
    if (bare) return text.replace(/\/$/, "");
  }
  throw invalid(
    key,
    `${JSON.stringify(text)} is not an address; ` +
      "use http://host:port, https://host:port or unix:/path, without anything after it",
  );
}

function invalid(key: string, problem: string): Error {
  return configurationError(`static addresses of ${JSON.stringify(key)}: ${problem}`, { key });
}
