import { setTimeout as delay } from "node:timers/promises";
import type { Client } from "@connectrpc/connect";
import { ChannelTestService } from "../../gen/testing/v1/channel_pb.ts";
import { chance } from "../../src/balancer/sources.ts";
import { createMesh, instance, peakEwma, roundRobin, subscribe } from "../../src/index.ts";
import type { Balancer, ClientOptions, Instance, MeshEventName, MeshOptions } from "../../src/index.ts";
import { until } from "../../src/testing/until.ts";
import { seeded } from "../resilience/virtual.ts";
import { ScriptedRegistry } from "../support/scripted-registry.ts";
import type { ServerInit } from "./behaviour.ts";
import { NetworkNamespace } from "./network-namespace.ts";
import { Server } from "./server.ts";
import { ToxicProxy } from "./toxic-proxy.ts";
import { Traffic } from "./traffic.ts";

/** Calls a second, unless a scenario needs others. */
const rate = 150;

/** Where a scenario takes place. Disposing ends all that it started, each process by its id. */
export class Stage implements AsyncDisposable {
  readonly registry: ScriptedRegistry = new ScriptedRegistry();
  readonly servers: Server[] = [];
  readonly proxies: ToxicProxy[] = [];
  readonly #open: AsyncDisposable[] = [];
  readonly #ends: Array<() => void> = [];
  readonly #events = new Map<MeshEventName, number>();

  /** Starts servers, behind a proxy each if asked, and shows them in the registry. */
  async fleet(
    count: number,
    { proxied = false, ...init }: Partial<ServerInit> & { readonly proxied?: boolean } = {},
  ): Promise<readonly Server[]> {
    const ids = Array.from({ length: count }, (_, at) => `s${this.servers.length + at}`);
    const started = await Promise.all(ids.map((id) => this.#hold(Server.start({ ...init, id }))));
    this.servers.push(...started);
    if (proxied) {
      for (const { port } of started) this.proxies.push(await this.#hold(ToxicProxy.start(port)));
    }
    this.show(...this.known());
    return started;
  }

  /** Makes a network of its own, for servers to run in. */
  network(): Promise<NetworkNamespace> {
    return this.#hold(NetworkNamespace.create());
  }

  /** The servers as a registry would know them. */
  known(): readonly Instance[] {
    return this.servers.map(({ id, address, zone }, at) =>
      instance({
        id,
        zone,
        component: "server",
        services: [ChannelTestService.typeName],
        channels: { protobuf: this.proxies[at]?.address ?? address },
      }),
    );
  }

  /** What the registry says from now on. */
  show(...instances: readonly Instance[]): void {
    this.registry.show(...instances);
  }

  /** A client with a mesh of its own. Chance is seeded. */
  client(options: MeshOptions = {}, own: ClientOptions = {}): Client<typeof ChannelTestService> {
    const mesh = createMesh({
      registry: this.registry,
      timeoutMs: 1_000,
      balancer: peakEwma({ random: random() }),
      ...options,
    });
    this.#open.push(mesh);
    return mesh.client(ChannelTestService, own);
  }

  /** Calls of the method that may be repeated; waits until every server has answered. */
  async traffic(options: MeshOptions = {}, own: ClientOptions = {}, perSecond: number = rate): Promise<Traffic> {
    const client = this.client(options, own);
    return this.flow(async (text) => (await client.look({ text })).text, perSecond);
  }

  /** Any calls; waits until every server has answered, or each of some. */
  async flow(
    call: (text: string) => Promise<string>,
    perSecond: number = rate,
    servers: readonly Server[] = this.servers,
  ): Promise<Traffic> {
    const traffic = new Traffic(call, perSecond);
    this.#ends.push(() => void traffic.stop());
    await until(() => servers.every(({ id }) => traffic.share(id) > 0), { timeoutMs: 20_000, what: "traffic at all servers" });
    return traffic;
  }

  /** Counts an event from now on. */
  watch(name: MeshEventName): () => number {
    this.#ends.push(subscribe(name, () => this.#events.set(name, (this.#events.get(name) ?? 0) + 1)));
    return () => this.#events.get(name) ?? 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const end of this.#ends) end();
    // A process that is stopped cannot end its connections.
    for (const server of this.servers) if (server.lives) server.signal("SIGCONT");
    const cut = AbortSignal.abort();
    for (const one of this.#open.reverse()) await ("close" in one ? (one as { close(cut: AbortSignal): Promise<void> }).close(cut) : one[Symbol.asyncDispose]());
  }

  /** Ends something together with all else. */
  own<T extends AsyncDisposable>(one: T): T {
    this.#open.push(one);
    return one;
  }

  async #hold<T extends AsyncDisposable>(starting: Promise<T>): Promise<T> {
    const one = await starting;
    this.#open.push(one);
    return one;
  }
}

/** A source of chance that is the same in each run. */
export function random(): () => number {
  return chance(seeded(1));
}

/** Round robin that begins in the same place in each run. */
export function inTurn(): Balancer {
  return roundRobin({ random: random() });
}

/** Lets the load go on for a time. */
export function lasting(ms: number): Promise<void> {
  return delay(ms);
}
