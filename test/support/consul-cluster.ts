import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { request } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { consulBinary } from "../../scripts/consul-binary.ts";
import { until } from "../../src/testing/until.ts";

/** Why this machine cannot run Consul; undefined when it can. */
export async function lacksConsul(): Promise<string | undefined> {
  return (await consulBinary()) === undefined ? "there is no Consul binary" : undefined;
}

/** Options of {@link ConsulCluster.start}. */
export interface ConsulClusterOptions {
  /** How many servers there are. Default 3. */
  readonly servers?: number | undefined;
  /** Whether there is an agent besides the servers. Default true. */
  readonly agent?: boolean | undefined;
  /** More of the configuration of all of them, such as `limits`. */
  readonly config?: Readonly<Record<string, unknown>> | undefined;
  /** Address that the servers talk at with each other and with the agent. Default the loopback. */
  readonly bind?: string | undefined;
  /** Network namespace to run the agent in, and its address there; its HTTP API is then a Unix socket. Default that of this process. */
  readonly network?: { readonly name: string; readonly address: string } | undefined;
}

/** What a question to the HTTP API brought. */
export interface ConsulAnswer {
  readonly status: number;
  readonly text: string;
}

interface Init {
  readonly name: string;
  readonly folder: string;
  readonly binary: string;
  readonly bind: string;
  readonly more: Readonly<Record<string, unknown>>;
  /** Servers that are to be; none for an agent. */
  readonly servers: number;
  readonly namespace: string | undefined;
}

/** One process of Consul. Disposing kills it. */
export class ConsulProcess implements AsyncDisposable {
  /** Address of its HTTP API, as `consul()` takes it. */
  readonly address: string;
  /** Where it speaks to the others of its kind. */
  readonly gossip: string;
  /** Where servers speak to each other, and by what a leader is known. */
  readonly rpc: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  private constructor(child: ChildProcess, at: { address: string; gossip: string; rpc: string }) {
    this.#child = child;
    this.#ended = new Promise((resolve) => child.once("exit", resolve));
    this.address = at.address;
    this.gossip = at.gossip;
    this.rpc = at.rpc;
  }

  /** Starts one. It may not answer yet. */
  static async start({ name, folder, binary, bind, more, servers, namespace }: Init): Promise<ConsulProcess> {
    const [http = 0, lan = 0, server = 0] = await freePorts(3);
    const socket = join(folder, `${name}.sock`);
    const config = {
      node_name: name,
      data_dir: join(folder, name),
      bind_addr: bind,
      client_addr: "127.0.0.1",
      log_level: "warn",
      disable_update_check: true,
      performance: { raft_multiplier: 1 },
      ports: { http, https: -1, dns: -1, grpc: -1, serf_lan: lan, serf_wan: -1, server },
      ...(namespace === undefined ? {} : { addresses: { http: `unix://${socket}` } }),
      ...(servers === 0 ? {} : { server: true, bootstrap_expect: servers }),
      ...more,
    };
    const consul = [binary, "agent", "-hcl", JSON.stringify(config)];
    const [command = "", ...args] = namespace === undefined ? consul : ["ip", "netns", "exec", namespace, ...consul];
    const log = process.env["CONSUL_LOG"] === undefined ? "ignore" : "inherit";
    const child = spawn(command, args, { stdio: ["ignore", log, log] });
    const kill = (): void => void child.kill("SIGKILL");
    // What dies in the middle must not leave it behind.
    process.once("exit", kill);
    child.once("exit", () => process.removeListener("exit", kill));
    await once(child, "spawn");
    const address = namespace === undefined ? `http://127.0.0.1:${http}` : `unix:${socket}`;
    return new ConsulProcess(child, { address, gossip: `${bind}:${lan}`, rpc: `${bind}:${server}` });
  }

  /** Asks its HTTP API, from an address whose connections are counted apart from those of others. */
  ask(path: string, method: string = "GET", body?: unknown): Promise<ConsulAnswer> {
    const to = this.address.startsWith("unix:")
      ? { socketPath: this.address.slice("unix:".length) }
      : { port: new URL(this.address).port, host: "127.0.0.1", localAddress: "127.0.0.9" };
    return new Promise((resolve, reject) => {
      const outgoing = request({ ...to, path, method, agent: false, signal: AbortSignal.timeout(10_000) }, (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (part: string) => { text += part; });
        response.on("error", reject);
        response.once("end", () => { resolve({ status: response.statusCode ?? 0, text }); });
      });
      outgoing.on("error", reject);
      outgoing.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  /** Ids of the instances of a component that it holds for healthy, as it knows without asking the leader. */
  async passing(component: string): Promise<readonly string[]> {
    const { status, text } = await this.ask(`/v1/health/service/${component}?stale&passing=true`);
    if (status !== 200) throw new Error(`Consul answered ${status}: ${text}`);
    return (JSON.parse(text) as ReadonlyArray<{ Service: { ID: string } }>).map(({ Service }) => Service.ID);
  }

  /** Sends it a signal. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Ends it without a chance to say goodbye, also when it is stopped. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }
}

/** Servers of Consul that have a leader, and an agent. Disposing ends all of it and removes what they wrote. */
export class ConsulCluster implements AsyncDisposable {
  readonly servers: readonly ConsulProcess[];
  /** What the processes of a mesh use: the agent, or the first server without one. */
  readonly agent: ConsulProcess;
  readonly #folder: string;

  private constructor(servers: readonly ConsulProcess[], agent: ConsulProcess, folder: string) {
    this.servers = servers;
    this.agent = agent;
    this.#folder = folder;
  }

  /** Starts one and waits until the agent can read and write. */
  static async start(options: ConsulClusterOptions = {}): Promise<ConsulCluster> {
    const { servers: count = 3, agent: hasAgent = true, config = {}, bind = "127.0.0.1", network } = options;
    const binary = await consulBinary();
    if (binary === undefined) throw new Error("there is no Consul binary");
    const folder = await mkdtemp(join(tmpdir(), "consul-cluster-"));
    const started: ConsulProcess[] = [];
    const start = async (name: string, more: Partial<Init>): Promise<ConsulProcess> => {
      const join = started.map(({ gossip }) => gossip);
      const one = await ConsulProcess.start({
        name, folder, binary, bind, servers: 0, namespace: undefined, ...more,
        more: { ...config, retry_join: join, retry_interval: "1s" },
      });
      started.push(one);
      return one;
    };
    try {
      for (let at = 0; at < count; at++) await start(`server-${at}`, { servers: count });
      const servers = started.slice();
      const own = network === undefined ? {} : { namespace: network.name, bind: network.address };
      const agent = hasAgent ? await start("agent", own) : servers[0]!;
      const cluster = new ConsulCluster(servers, agent, folder);
      await until(() => cluster.#ready(), { timeoutMs: 60_000, intervalMs: 100, what: "a leader, and an agent that knows it" });
      return cluster;
    } catch (error) {
      await end(started, folder);
      throw error;
    }
  }

  /** The server that leads, as the others say. Undefined while none does. */
  async leader(): Promise<ConsulProcess | undefined> {
    const said = await Promise.all(
      this.servers.map((server) => server.ask("/v1/status/leader").then(({ text }) => text, () => "")),
    );
    // One that was killed is remembered for a while.
    return this.servers.find(({ rpc }, at) => said[at] === JSON.stringify(rpc));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await end([...new Set([...this.servers, this.agent])], this.#folder);
  }

  async #ready(): Promise<boolean> {
    const { status, text } = await this.agent.ask("/v1/catalog/nodes");
    const nodes = new Set([...this.servers, this.agent]).size;
    return status === 200 && (JSON.parse(text) as readonly unknown[]).length === nodes && (await this.leader()) !== undefined;
  }
}

async function end(all: readonly ConsulProcess[], folder: string): Promise<void> {
  await Promise.all(all.map((one) => one.kill()));
  await rm(folder, { recursive: true, force: true });
}

/** Ports that nobody listens on now. They are held together, so all differ. */
async function freePorts(count: number): Promise<readonly number[]> {
  const held = Array.from({ length: count }, () => createServer().listen(0));
  try {
    await Promise.all(held.map((one) => once(one, "listening")));
    return held.map((one) => {
      const address = one.address();
      return typeof address === "object" && address !== null ? address.port : 0;
    });
  } finally {
    for (const one of held) one.close();
  }
}
