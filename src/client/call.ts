import type { DescMethod } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { sleep } from "../async/sleep.ts";
import type { CallInfo } from "../balancer/balancer.ts";
import type { Channel } from "../channel/channel.ts";
import type { MethodInfo } from "../contract/method.ts";
import { meshError } from "../error.ts";
import { publish } from "../events.ts";
import { progressOf } from "../protocol/progress.ts";
import { retryAfterMs } from "../resilience/retry.ts";
import type { RetryPolicy, RetryState } from "../resilience/retry.ts";
import type { Cluster } from "./cluster.ts";
import { endOf } from "./attempt-end.ts";
import type { ClientPeer } from "./peer.ts";

/** How long a call waits before it tries instances again that it could not reach, in milliseconds. */
const retryRoundMs = 1_000;

/** What one call wants, whatever its kind. */
export interface CallPlan {
  readonly method: DescMethod;
  readonly info: MethodInfo;
  /** Channels in order of preference. */
  readonly channels: readonly Channel[];
  /** This process, when it hosts the service. */
  readonly local: ClientPeer | undefined;
  readonly waitForReady: boolean;
  readonly retry: RetryPolicy;
  /** Ends the call: its deadline, or its caller. */
  readonly signal: AbortSignal;
}

/** What has happened to a call before. */
export interface Before {
  /** An attempt that came to nothing. */
  readonly failed?: { readonly peer: ClientPeer; readonly error: ConnectError } | undefined;
  /** The peer of the first attempt. */
  readonly picked?: ClientPeer | undefined;
}

/**
 * One call from the first pick to the last attempt: picks a peer for each
 * attempt, waits while there is none, and repeats what is safe to repeat.
 */
export class Call implements CallInfo {
  readonly method: DescMethod;
  /** What the call waits for or last failed with; explains a deadline that ended meanwhile. */
  obstacle: ConnectError | undefined;
  readonly #plan: CallPlan;
  readonly #cluster: Cluster;
  readonly #state: RetryState = { sent: 0, refused: 0 };
  #tried: Set<ClientPeer> | undefined;
  /** Whether the last attempt did not even reach its peer. */
  #unsent = false;
  #attempts = 0;

  constructor(plan: CallPlan, cluster: Cluster) {
    this.method = plan.method;
    this.#plan = plan;
    this.#cluster = cluster;
  }

  /**
   * Runs attempts until one is answered or its failure is final.
   *
   * @param attempt makes one attempt at a peer
   * @param repeatable whether what was already consumed of the request allows another attempt
   * @param before what was picked or tried before
   */
  async run<T>(
    attempt: (peer: ClientPeer) => Promise<T>,
    repeatable: () => boolean = () => true,
    before: Before = {},
  ): Promise<T> {
    let { picked } = before;
    if (before.failed !== undefined) {
      this.#attempts++;
      await this.#failed(before.failed.peer, before.failed.error, repeatable);
    }
    for (;;) {
      const peer = picked ?? this.#pick() ?? this.#again() ?? (await this.#wait());
      picked = undefined;
      this.#attempts++;
      const startedMs = performance.now();
      peer.begin();
      try {
        const answer = await attempt(peer);
        peer.end(startedMs, performance.now(), "answered");
        peer.answered();
        return answer;
      } catch (error) {
        const failure = ConnectError.from(error);
        peer.end(startedMs, performance.now(), endOf(failure));
        await this.#failed(peer, failure, repeatable);
      }
    }
  }

  /** Pauses before the next attempt, or throws the error when it is final. */
  async #failed(peer: ClientPeer, error: ConnectError, repeatable: () => boolean): Promise<void> {
    const { signal, retry, info, method } = this.#plan;
    if (signal.aborted) throw error;
    const progress = progressOf(error);
    if (progress === undefined) peer.answered();
    const idempotent = info.idempotent;
    const pauseMs = retryAfterMs(retry, this.#state, { error, progress, idempotent });
    if (pauseMs === undefined || !repeatable()) throw error;
    this.obstacle = error;
    this.#unsent = progress === "unsent";
    (this.#tried ??= new Set()).add(peer);
    publish("call.retry", () => ({
      service: method.parent.typeName,
      method: method.name,
      attempt: this.#attempts,
      error,
    }));
    if (pauseMs > 0 && !(await sleep(pauseMs, signal))) throw error;
  }

  /** A peer that was not tried, over the best channel that has one. */
  #pick(): ClientPeer | undefined {
    const { channels, local } = this.#plan;
    for (const channel of channels) {
      const peer =
        channel.name === "local" ? local : this.#cluster.pick(channel, this, this.#tried);
      if (peer === undefined) continue;
      const wanted = channels[0];
      if (channel !== wanted) {
        publish("channel.fallback", () => ({
          service: this.method.parent.typeName,
          wanted: wanted?.name ?? "",
          used: channel.name,
        }));
      }
      return peer;
    }
    return undefined;
  }

  /** All peers were tried: one that answered badly may be asked once more, after its pause. */
  #again(): ClientPeer | undefined {
    if (this.#tried === undefined || this.#unsent) return undefined;
    this.#tried = undefined;
    return this.#pick();
  }

  /** Waits for a peer. Throws when waiting is not wanted or cannot help. */
  async #wait(): Promise<ClientPeer> {
    const { signal, waitForReady } = this.#plan;
    for (;;) {
      if (signal.aborted) throw ConnectError.from(signal.reason, Code.Canceled);
      if (this.#cluster.known) {
        this.obstacle = this.#describe();
        // The registry's first answer is worth waiting for in any case; more only if asked.
        if (!waitForReady || this.obstacle.code !== Code.Unavailable) throw this.obstacle;
      }
      const round = new AbortController();
      await Promise.race([
        this.#cluster.changed(AbortSignal.any([signal, round.signal])),
        sleep(retryRoundMs, AbortSignal.any([signal, round.signal])),
      ]);
      round.abort();
      // Everything that was tried could not be reached: it may be reachable now.
      this.#tried = undefined;
      const peer = this.#pick();
      if (peer !== undefined) return peer;
    }
  }

  /** Why there is no peer to call now. */
  #describe(): ConnectError {
    const { target, state } = this.#cluster.discovery;
    const service = target.service;
    if (this.#cluster.size === 0) {
      const stale = state.value?.stale;
      const of = target.component === undefined ? "" : ` of component ${target.component}`;
      return stale === undefined
        ? meshError(
            Code.Unavailable,
            "NO_INSTANCE",
            `no instance${of} serves ${service}; start one, or check which registry it is in`,
            { metadata: { service } },
          )
        : meshError(
            Code.Unavailable,
            "REGISTRY_UNAVAILABLE",
            `no instance of ${service} is known: ${stale.error.rawMessage}`,
            { metadata: { service }, cause: stale.error },
          );
    }
    const offered = this.#cluster.offered();
    const wanted = this.#plan.channels.map(({ name }) => name);
    if (this.obstacle !== undefined && wanted.some((name) => offered.includes(name))) {
      return this.obstacle;
    }
    return meshError(
      Code.FailedPrecondition,
      "NO_CHANNEL",
      `no instance of ${service} offers the channel ${wanted.join(", ")}; offered: ${offered.join(", ")}`,
      { metadata: { service, wanted: wanted.join(","), offered: offered.join(",") } },
    );
  }
}
