import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/** Whether there is a Consul binary: tests that need one are skipped without it. */
export const hasConsul: boolean = (process.env["CONSUL_BIN"] ?? "") !== "";

/** Options of {@link startConsul}. */
export interface ConsulAgentOptions {
  /** Turns ACLs on: everything is denied but to `ConsulAgent.token`. Default false. */
  readonly acl?: boolean | undefined;
  /** Files of the CA, the certificate and the key of an HTTPS port. Default none. */
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string } | undefined;
  /** More of the agent's configuration, such as `limits`. */
  readonly config?: Readonly<Record<string, unknown>> | undefined;
}

const denied = { enabled: true, default_policy: "deny" };

/** An answer of the agent's HTTP API. */
export interface ApiAnswer {
  readonly status: number;
  /** The body; parsed where it is JSON. */
  readonly body: unknown;
}

/** A running Consul agent, a server of one with nothing on disk. */
export interface ConsulAgent extends AsyncDisposable {
  /** Address of its HTTP API. */
  readonly address: string;
  /** Address of its HTTPS API, which wants a client certificate; only with `tls`. */
  readonly secureAddress: string;
  /** Token that may do everything; undefined without ACLs. */
  readonly token: string | undefined;
  /** Calls the HTTP API, with `token` unless another is given. */
  api(method: string, path: string, body?: unknown, token?: string): Promise<ApiAnswer>;
  /** Ends the process. Starting again is {@link ConsulAgent.restart}. */
  stop(): Promise<void>;
  /** Ends the process, if it runs, and starts it at the same ports with nothing in it. */
  restart(): Promise<void>;
}

/** Starts a real agent on free loopback ports and waits until it has a leader. */
export async function startConsul(options: ConsulAgentOptions = {}): Promise<ConsulAgent> {
  const binary = process.env["CONSUL_BIN"];
  if (binary === undefined) throw new Error("no Consul binary: set CONSUL_BIN");
  const [http = 0, lan = 0, wan = 0, server = 0, https = 0] = await freePorts(5);
  const token = options.acl === true ? randomUUID() : undefined;
  const config = {
    bind_addr: "127.0.0.1",
    client_addr: "127.0.0.1",
    node_name: `test-${http}`,
    log_level: "warn",
    disable_update_check: true,
    ports: { http, https: -1, serf_lan: lan, serf_wan: wan, server, dns: -1, grpc: -1 },
    // `tokens.master` is what 1.8 calls the initial management token.
    ...(token === undefined
      ? {}
      : { acl: { ...denied, tokens: { master: token, agent: token } } }),
    ...(options.tls === undefined ? {} : secured(options.tls)),
    ...options.config,
  };
  if (options.tls !== undefined) config.ports.https = https;
  const address = `http://127.0.0.1:${http}`;
  let child: ChildProcess | undefined;

  async function api(
    method: string,
    path: string,
    body?: unknown,
    as: string | undefined = token,
  ): Promise<ApiAnswer> {
    const answer = await fetch(address + path, {
      method,
      headers: as === undefined ? {} : { "x-consul-token": as },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(5_000),
    });
    const text = await answer.text();
    return { status: answer.status, body: parsed(text) };
  }

  async function start(): Promise<void> {
    child = await launch(binary as string, config);
    const end = performance.now() + 30_000;
    for (;;) {
      const nodes = await api("GET", "/v1/catalog/nodes").catch(() => undefined);
      // Only then registrations reach the catalog.
      if (nodes?.status === 200 && Array.isArray(nodes.body) && nodes.body.length > 0) return;
      if (child.exitCode !== null) throw new Error(`consul ended with ${child.exitCode}`);
      if (performance.now() > end) throw new Error("consul found no leader within 30 s");
      await delay(50);
    }
  }

  async function stop(): Promise<void> {
    const ending = child;
    child = undefined;
    if (ending !== undefined) await end(ending);
  }

  try {
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    address,
    secureAddress: `https://127.0.0.1:${https}`,
    token,
    api,
    stop,
    restart: async () => {
      await stop();
      await start();
    },
    [Symbol.asyncDispose]: stop,
  };
}

function secured(tls: NonNullable<ConsulAgentOptions["tls"]>): Record<string, unknown> {
  const { ca, cert, key } = tls;
  return { ca_file: ca, cert_file: cert, key_file: key, verify_incoming_https: true };
}

async function launch(binary: string, config: unknown): Promise<ChildProcess> {
  const child = spawn(binary, ["agent", "-dev", "-hcl", JSON.stringify(config)], {
    stdio: process.env["CONSUL_LOG"] === undefined ? "ignore" : "inherit",
  });
  const kill = (): void => {
    child.kill("SIGKILL");
  };
  // A test that dies must not leave an agent behind.
  process.once("exit", kill);
  child.once("exit", () => process.removeListener("exit", kill));
  await once(child, "spawn");
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  const hard = setTimeout(() => child.kill("SIGKILL"), 5_000);
  await exited;
  clearTimeout(hard);
}

/** Ports that nobody listens on now. They are held together, so all differ. */
async function freePorts(count: number): Promise<readonly number[]> {
  const servers: Server[] = [];
  try {
    for (let at = 0; at < count; at++) {
      const server = createServer().listen(0, "127.0.0.1");
      servers.push(server);
      await once(server, "listening");
    }
    return servers.map((server) => {
      const address = server.address();
      return typeof address === "object" && address !== null ? address.port : 0;
    });
  } finally {
    for (const server of servers) server.close();
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
