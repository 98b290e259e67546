import type { Agent } from "node:http";
import type { HealthStatus } from "../../contract/instance.ts";
import { type Endpoint, endpoint } from "./address.ts";
import { type Attempt, failure, refusal } from "./failure.ts";
import { type HttpAnswer, send, sockets } from "./http.ts";
import { isLibraryRefusal, type CallOptions, type Library, library } from "./library.ts";
import type { Settings } from "./options.ts";
import type { ServiceDefinition } from "./encode.ts";
import { currentToken } from "./token.ts";
import type { Tuning } from "./tuning.ts";

/** Blocking queries hold a socket each; Consul closes the 201st of a client. */
const maxBlockingSockets = 128;
const maxShortSockets = 8;

/** A query string, as names and values. */
export type Query = Readonly<Record<string, string>>;

/** Options of {@link ConsulClient.get}. */
export interface GetOptions {
  readonly query: Query;
  /** How long the agent may hold the request, in milliseconds. Does not block without it. */
  readonly waitMs?: number | undefined;
  /**
   * Whether the answer may be long in coming although the request does not
   * block, as the leader's is while there is none: then it must not hold up
   * heartbeats. Default false.
   */
  readonly isSlow?: boolean | undefined;
  readonly signal: AbortSignal;
}

/** The requests of this registry, as one agent answers them. Nothing is repeated here. */
export class ConsulClient {
  readonly #settings: Settings;
  readonly #tuning: Tuning;
  readonly #endpoint: Endpoint;
  readonly #short: Agent;
  readonly #blocking: Agent;
  #library: Promise<Library> | undefined;

  constructor(settings: Settings, tuning: Tuning) {
    this.#settings = settings;
    this.#tuning = tuning;
    this.#endpoint = endpoint(settings.address);
    this.#short = sockets(this.#endpoint, settings.tls, maxShortSockets);
    this.#blocking = sockets(this.#endpoint, settings.tls, maxBlockingSockets);
  }

  /** The agent's address, for messages. */
  get address(): string {
    return this.#settings.address;
  }

  /** The token that the next request would carry. */
  async token(signal: AbortSignal): Promise<string | undefined> {
    return currentToken(this.#settings.token, this.#tuning.requestMs, signal);
  }

  /** Reads something of the datacenter. Rejects with a `ConnectError` unless the answer is 2xx. */
  async get(what: Attempt, path: string, options: GetOptions): Promise<HttpAnswer> {
    const { waitMs, isSlow } = options;
    const query = { ...options.query };
    if (this.#settings.datacenter !== undefined) query["dc"] = this.#settings.datacenter;
    if (waitMs !== undefined) query["wait"] = `${Math.ceil(waitMs)}ms`;
    const text = new URLSearchParams(query).toString();
    return this.#attempt(what, () =>
      this.#send("GET", text === "" ? path : `${path}?${text}`, options.signal, { waitMs, isSlow }),
    );
  }

  /** Asks for something with a body. Resolves whatever the status. */
  async post(what: Attempt, path: string, body: unknown, signal: AbortSignal): Promise<HttpAnswer> {
    try {
      return await this.#send("POST", path, signal, { body });
    } catch (thrown) {
      throw failure(what, thrown);
    }
  }

  /** Adds or replaces a service and its checks. Resolves to the token it was done with. */
  async register(service: ServiceDefinition, signal: AbortSignal): Promise<string | undefined> {
    const what = this.attempt(`register "${service.Name}"`, `service:write on "${service.Name}"`);
    const token = await this.#attemptToken(what, signal);
    // Without the parameter, checks of an earlier definition would stay.
    const path = "/v1/agent/service/register?replace-existing-checks=true";
    await this.#attempt(what, () => this.#send("PUT", path, signal, { body: service, token }));
    return token;
  }

  /** Whether the agent holds the service. */
  async holds(name: string, id: string, signal: AbortSignal): Promise<boolean> {
    const what = this.attempt(`look at "${name}"`, `service:read on "${name}"`);
    try {
      const path = `/v1/agent/service/${encodeURIComponent(id)}`;
      const answer = await this.#send("GET", path, signal, {});
      if (answer.status === 404) return false;
      if (answer.status >= 300) throw refusal(what, answer.status, answer.text);
      return true;
    } catch (thrown) {
      throw failure(what, thrown);
    }
  }

  /** Sends a heartbeat. Resolves to false when the agent does not know the check. */
  async report(
    service: ServiceDefinition,
    health: HealthStatus,
    note: string,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { Name, Check } = service;
    const what = this.attempt(`report the health of "${Name}"`, `service:write on "${Name}"`);
    return this.#throughLibrary(what, signal, (library, options) =>
      library.report(Check.CheckID, health, note, options),
    );
  }

  /** Removes a service. Resolves to false when the agent does not know it. */
  async deregister(service: ServiceDefinition, signal: AbortSignal): Promise<boolean> {
    const what = this.attempt(
      `deregister "${service.Name}"`,
      `service:write on "${service.Name}"`,
    );
    return this.#throughLibrary(what, signal, (library, options) =>
      library.deregister(service.ID, options),
    );
  }

  /** Loads npm `consul`, to fail early when it is not installed. */
  async load(): Promise<Library> {
    this.#library ??= library(this.#endpoint, this.#short);
    return this.#library;
  }

  /** Describes what is tried at this agent. */
  attempt(what: string, rights: string): Attempt {
    return { address: this.address, what, rights };
  }

  async #throughLibrary(
    what: Attempt,
    signal: AbortSignal,
    call: (library: Library, options: CallOptions) => Promise<void>,
  ): Promise<boolean> {
    try {
      const token = await this.token(signal);
      await call(await this.load(), { token, timeoutMs: this.#tuning.requestMs, signal });
      return true;
    } catch (thrown) {
      if (!isLibraryRefusal(thrown)) throw failure(what, thrown);
      const { statusCode, response } = thrown;
      const text = typeof response.body === "string" ? response.body : "";
      if (isUnknown(statusCode, text)) return false;
      throw refusal(what, statusCode, text);
    }
  }

  async #attempt(what: Attempt, run: () => Promise<HttpAnswer>): Promise<HttpAnswer> {
    try {
      const answer = await run();
      if (answer.status >= 200 && answer.status < 300) return answer;
      throw refusal(what, answer.status, answer.text);
    } catch (thrown) {
      throw failure(what, thrown);
    }
  }

  async #attemptToken(what: Attempt, signal: AbortSignal): Promise<string | undefined> {
    try {
      return await this.token(signal);
    } catch (thrown) {
      throw failure(what, thrown);
    }
  }

  async #send(
    method: "GET" | "PUT" | "POST",
    path: string,
    signal: AbortSignal,
    more: {
      waitMs?: number | undefined;
      isSlow?: boolean | undefined;
      body?: unknown;
      token?: string | undefined;
    },
  ): Promise<HttpAnswer> {
    const { waitMs, isSlow = waitMs !== undefined } = more;
    const token = "token" in more ? more.token : await this.token(signal);
    return send(this.#endpoint, {
      method,
      path,
      headers: {
        ...(token === undefined ? {} : { "x-consul-token": token }),
        ...(more.body === undefined ? {} : { "content-type": "application/json" }),
      },
      body: more.body === undefined ? undefined : JSON.stringify(more.body),
      // A server adds up to a sixteenth to the wait that it was asked for.
      timeoutMs: waitMs === undefined ? this.#tuning.requestMs : waitMs + waitMs / 16 + 5_000,
      signal,
      agent: isSlow ? this.#blocking : this.#short,
    });
  }
}

/** 1.8 answers 500 for what later versions answer 404. */
function isUnknown(status: number, text: string): boolean {
  if (status === 404) return true;
  return status === 500 && /unknown (check|service)|does not have associated TTL/i.test(text);
}
