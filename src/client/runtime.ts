import type { DescService } from "@bufbuild/protobuf";
import type { Interceptor } from "@connectrpc/connect";
import { unlessAborted } from "../async/unless-aborted.ts";
import type { Balancer } from "../balancer/balancer.ts";
import type { Channel, ChannelOptions } from "../channel/channel.ts";
import { instance } from "../contract/instance.ts";
import { methodInfo } from "../contract/method.ts";
import { configurationError } from "../error.ts";
import type { RegistryDetail } from "../health/http.ts";
import type { Callers } from "../protocol/callers.ts";
import type { Hosted } from "../protocol/hosted.ts";
import type { Registry, Target } from "../registry/registry.ts";
import { Cluster } from "./cluster.ts";
import type { ClusterOptions } from "./cluster.ts";
import { Discovery } from "./discovery.ts";
import { Member } from "./member.ts";
import type { ChannelPreference } from "./options.ts";
import { ClientPeer } from "./peer.ts";
import { PeerPool } from "./peer-pool.ts";
import type { CallSettings } from "./settings.ts";

/** How long the watches of a registry may take to end, in milliseconds. */
const unwatchMs = 1_000;

/** What all clients of a mesh share. */
export interface ClientSettings extends CallSettings {
  readonly registry: Registry;
  readonly channels: readonly Channel[];
  readonly hosted: Hosted;
  readonly connection: Omit<ChannelOptions, "onLost" | "hosted" | "cut">;
  readonly interceptors: readonly Interceptor[];
  readonly balancer: Balancer;
  readonly channel: ChannelPreference | undefined;
  /** Knows which handler a call is made for. */
  readonly callers: Callers;
  /** Whether unary calls that want nothing unusual take the short way. */
  readonly fastPath: boolean;
  /** How long a suddenly empty target keeps its instances, in milliseconds. */
  readonly emptyGraceMs: number;
}

/** One watch a target, one connection a peer, however many clients ask. */
export class ClientRuntime {
  readonly settings: ClientSettings;
  readonly #pool: PeerPool;
  readonly #channels: ReadonlyMap<string, Channel>;
  readonly #discoveries = new Map<string, Discovery>();
  readonly #clusters = new Set<Cluster>();
  readonly #cut = new AbortController();
  #closed = false;

  constructor(settings: ClientSettings) {
    this.settings = settings;
    this.#pool = new PeerPool({
      ...settings.connection,
      hosted: settings.hosted,
      cut: this.#cut.signal,
    });
    this.#channels = new Map(settings.channels.map((channel) => [channel.name, channel]));
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** What is known of every target that was called so far, for health reports. */
  registryDetails(): readonly RegistryDetail[] {
    return [...this.#discoveries.values()].map(({ target, state }) => {
      const { instances = [], stale } = state.value ?? {};
      return {
        target: target.service,
        instances: instances.length,
        state: stale === undefined ? ("ok" as const) : ("stale" as const),
        ...(stale === undefined
          ? {}
          : { sinceMs: Date.now() - stale.sinceMs, message: stale.error.rawMessage }),
      };
    });
  }

  /** The channels of a preference. Throws a configuration error for a name that the mesh lacks. */
  channels(preference: ChannelPreference): readonly Channel[] {
    const names = typeof preference === "string" ? [preference] : preference;
    if (names.length === 0) throw configurationError("a channel preference needs at least one name");
    return names.map((name) => {
      const channel = this.#channels.get(name);
      if (channel !== undefined) return channel;
      const known = [...this.#channels.keys()].join(", ");
      throw configurationError(
        `the channel ${name} is not known to this mesh (${known}); add it to createMesh({ channels })`,
      );
    });
  }

  /** This process as a peer, when it hosts the service and the mesh has the channel `local`. */
  local(service: DescService): Member | undefined {
    const { hosted, connection } = this.settings;
    const channel = this.#channels.get("local");
    const [method] = service.methods;
    if (channel === undefined || method === undefined || !hosted.find(method)) return undefined;
    const self = instance({
      id: "local",
      component: "local",
      services: [service.typeName],
      channels: { local: "local:" },
    });
    const peer = new ClientPeer(self, "local", (onLost) =>
      channel.connect(self, { ...connection, hosted, onLost, cut: this.#cut.signal }),
    );
    return new Member(peer);
  }

  /** A balanced view of the instances of a service, which lives until the mesh closes. */
  cluster(service: DescService, balancer: Balancer | undefined, options: ClusterOptions): Cluster {
    const cluster = new Cluster(
      this.#discover(targetOf(service)),
      this.#pool,
      balancer ?? this.settings.balancer,
      options,
    );
    this.#clusters.add(cluster);
    return cluster;
  }

  /** Refuses new calls and lets running ones finish, until the signal aborts: then it ends them. */
  async close(limit: AbortSignal): Promise<void> {
    this.#closed = true;
    for (const cluster of this.#clusters) cluster.close();
    // A registry that does not let go of a watch must not hold up the stop.
    const watches = Promise.all([...this.#discoveries.values()].map((d) => d[Symbol.asyncDispose]()));
    await unlessAborted(watches, AbortSignal.any([limit, AbortSignal.timeout(unwatchMs)])).catch(() => {});
    const cut = (): void => {
      this.#cut.abort();
    };
    if (limit.aborted) cut();
    else limit.addEventListener("abort", cut, { once: true });
    await this.#pool.settled();
    limit.removeEventListener("abort", cut);
  }

  #discover(target: Target): Discovery {
    const key = `${target.component ?? ""} ${target.service}`;
    let discovery = this.#discoveries.get(key);
    if (discovery === undefined) {
      discovery = new Discovery(this.settings.registry, target, this.settings.emptyGraceMs);
      this.#discoveries.set(key, discovery);
    }
    return discovery;
  }
}

function targetOf(service: DescService): Target {
  const [method] = service.methods;
  return {
    service: service.typeName,
    component: method === undefined ? undefined : methodInfo(method).component,
  };
}
