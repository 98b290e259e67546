import type { DescMethod } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { sleep } from "../async/sleep.ts";
import type { CallInfo } from "../balancer/balancer.ts";
import type { Channel } from "../channel/channel.ts";
import type { Policy } from "../contract/policy.ts";
import { publish } from "../events.ts";
import { progressOf } from "../protocol/progress.ts";
import { hedge } from "../resilience/hedge.ts";
import type { HedgeVerdict } from "../resilience/hedge.ts";
import { Retry } from "../resilience/retry.ts";
import type { Cluster } from "./cluster.ts";
import { explainEnd } from "./deadline.ts";
import type { Explanation, NotedAttempt } from "./explanation.ts";
import type { Member } from "./member.ts";
import type { MethodRoute } from "./method-route.ts";
import { closedMeanwhile, noPeer, notYetKnown } from "./no-peer.ts";
import type { Course } from "./stream-course.ts";

/** How long a call waits before it tries instances again that it could not reach, in milliseconds. */
const retryRoundMs = 1_000;

/**
 * Makes one attempt at a peer, until the signal aborts.
 *
 * @param previous attempts before it that may have been carried out
 */
export type Attempt<T> = (member: Member, signal: AbortSignal, previous: number) => Promise<T>;

/** What one call wants, whatever its kind. */
export interface CallPlan {
  readonly route: MethodRoute;
  readonly policy: Policy;
  /** Channels in order of preference. */
  readonly channels: readonly Channel[];
  readonly hashKey: string | undefined;
  /** Ends the call: its deadline, or its caller. */
  readonly signal: AbortSignal;
  /** The deadline in milliseconds, from the beginning of the call. */
  readonly limitMs: number;
  /** What is left of the deadline, in milliseconds. */
  readonly left: () => number;
  /** Notes what happens, when somebody wants to know. */
  readonly explanation: Explanation | undefined;
}

/** What has happened to a call before. */
export interface Before {
  /** An attempt that came to nothing. */
  readonly failed?: { readonly member: Member; readonly error: ConnectError } | undefined;
  /** The peer of the first attempt. */
  readonly picked?: Member | undefined;
}

/** How the attempts of a call are made. */
export interface Attempting<T> {
  /** Makes one attempt. */
  readonly attempt: Attempt<T>;
  /** Whether what was already consumed of the request allows another attempt. Default: always. */
  readonly repeatable?: (() => boolean) | undefined;
  /** How far an answer has come that goes on, as streams do. Default: an answer is the end of its call. */
  readonly course?: ((answer: T) => Course) | undefined;
}

/** Attempts that follow each other: all of a call, or what a copy of a hedged call takes. */
interface Sequence<T> extends Attempting<T> {
  readonly signal: AbortSignal;
  readonly retry: Retry;
  /** Copies of the call that were sent before. */
  readonly copies: number;
  /** Whether the last attempt did not even reach its peer. */
  unsent: boolean;
  /** Hears that a copy of a hedged call waits for a peer, and that it has one. */
  readonly waits?: ((waiting: boolean) => void) | undefined;
  /** Notes what followed the failure of a hedged call's copy. */
  followed?: ((verdict: HedgeVerdict) => void) | undefined;
}

/**
 * One call from the first pick to the last attempt: picks a peer for each
 * attempt, waits while there is none, and repeats what its policy lets it.
 */
export class Call implements CallInfo {
  readonly method: DescMethod;
  readonly hashKey: string | undefined;
  /** What the call waits for or last failed with; explains a deadline that ended meanwhile. */
  obstacle: ConnectError | undefined;
  readonly #plan: CallPlan;
  readonly #cluster: Cluster;
  #tried: Set<Member> | undefined;
  #attempts = 0;

  constructor(plan: CallPlan, cluster: Cluster) {
    this.method = plan.route.method;
    this.hashKey = plan.hashKey;
    this.#plan = plan;
    this.#cluster = cluster;
    if (plan.explanation !== undefined) plan.explanation.hashKey = plan.hashKey;
  }

  /**
   * Runs attempts until one is answered or its failure is final.
   *
   * @param before what was picked or tried before
   */
  async run<T>(attempting: Attempting<T>, before: Before = {}): Promise<T> {
    const { policy, route, signal, left } = this.#plan;
    const { guard } = route;
    const { hedging, idempotent } = policy;
    if (hedging === false) {
      const retry = new Retry(policy, guard);
      return this.#repeat({ ...attempting, signal, retry, copies: 0, unsent: false }, before);
    }
    const transparent = { retry: false, idempotent } as const;
    const sequences: Array<Sequence<T>> = [];
    return hedge(
      (own, copies, waits) => {
        const retry = new Retry(transparent, guard);
        const sequence: Sequence<T> = { ...attempting, signal: own, retry, copies, unsent: false, waits };
        sequences[copies] = sequence;
        return this.#repeat(sequence, {});
      },
      {
        policy: hedging,
        guard,
        signal,
        left,
        latency: route.latency,
        followed: (copy, verdict) => sequences[copy]?.followed?.(verdict),
      },
    );
  }

  async #repeat<T>(sequence: Sequence<T>, { failed, picked }: Before): Promise<T> {
    const { attempt, course, signal, copies, retry } = sequence;
    const { explanation, policy, route } = this.#plan;
    let next = picked;
    let repeated = false;
    if (failed !== undefined) {
      this.#attempts++;
      repeated = true;
      await this.#failed(sequence, failed.member, failed.error);
    }
    for (;;) {
      let member = next ?? this.#pick() ?? this.#again(sequence);
      next = undefined;
      if (member === undefined) {
        sequence.waits?.(true);
        member = await this.#wait(signal);
      }
      // An attempt that is too late would never be sent, and yet look like one that failed.
      if (signal.aborted) throw ConnectError.from(signal.reason, Code.Canceled);
      this.#attempts++;
      const why = repeated ? "retry" : copies > 0 ? "hedge" : "first";
      const note = explanation?.attempt(member, why, this.#members(member), this.#tried);
      // Copies run side by side: each goes to another peer.
      if (policy.hedging !== false) this.#try(member);
      const startedMs = performance.now();
      member.begin();
      if (!repeated && copies > 0) this.#publishCopy(copies);
      sequence.waits?.(false);
      try {
        const answer = await attempt(member, signal, copies + retry.previousAttempts);
        if (course === undefined) {
          member.end(startedMs, performance.now(), undefined);
          note?.ended(undefined, "answered");
          // Of a hedged call it is known elsewhere.
          if (policy.hedging === false) route.guard.succeeded();
        } else void this.#follow(course(answer), member, startedMs, note);
        return answer;
      } catch (thrown) {
        const error = ConnectError.from(thrown);
        member.end(startedMs, performance.now(), error);
        repeated = true;
        await this.#failed(sequence, member, error, note);
      }
    }
  }

  /** An answer has begun, and nothing of it is repeated any more: how it ends still says something of its peer. */
  async #follow({ first, over }: Course, member: Member, startedMs: number, note: NotedAttempt | undefined): Promise<void> {
    let error = await first;
    if (error === undefined) {
      const finish = member.begun(startedMs, performance.now());
      error = await over;
      finish(performance.now(), error);
    } else member.end(startedMs, performance.now(), error);
    if (error === undefined) this.#plan.route.guard.succeeded();
    note?.ended(error, error === undefined ? "answered" : "committed");
    this.#plan.explanation?.tell(error && explainEnd(error, this.#plan.limitMs));
  }

  /** Pauses before the next attempt, or throws the error when it is final. */
  async #failed<T>(
    sequence: Sequence<T>,
    member: Member,
    error: ConnectError,
    note?: NotedAttempt,
  ): Promise<void> {
    const { retry, signal, repeatable = () => true } = sequence;
    const progress = progressOf(error);
    // Whoever waited has gone, or the client has.
    const over = signal.aborted || this.#cluster.closed;
    const failure = { error, progress, leftMs: this.#plan.left(), repeatable: !over && repeatable() };
    const verdict = retry.failed(failure, performance.now());
    if (!verdict.again) {
      // Copies of a hedged call are not repeated: what follows is another copy, if any, or the call was decided.
      const hedged = this.#plan.policy.hedging !== false && verdict.why === "off";
      note?.ended(error, over ? "over" : hedged ? "left to the other copies" : verdict.why);
      if (hedged && !over) sequence.followed = ({ next, afterMs }) => note?.ended(error, next, afterMs);
      throw error;
    }
    const { afterMs, why } = verdict;
    note?.ended(error, why, afterMs);
    this.obstacle = error;
    sequence.unsent = progress === "unsent";
    this.#try(member);
    publish("call.retry", () => ({
      service: this.method.parent.typeName,
      method: this.method.name,
      attempt: this.#attempts,
      error,
      afterMs,
      why,
    }));
    if (afterMs > 0 && !(await sleep(afterMs, signal, this.#cluster.ended))) {
      throw signal.aborted ? error : closedMeanwhile(error);
    }
  }

  /** A peer that was not tried, over the best channel that has one. */
  #pick(): Member | undefined {
    const { channels, route } = this.#plan;
    for (const channel of channels) {
      const member = channel.name === "local" ? route.local : this.#cluster.pick(channel, this, this.#tried);
      if (member === undefined) continue;
      const wanted = channels[0];
      if (channel !== wanted) {
        publish("channel.fallback", () => ({
          service: this.method.parent.typeName,
          wanted: wanted?.name ?? "",
          used: channel.name,
        }));
      }
      return member;
    }
    return undefined;
  }

  /** All peers were tried: one that answered badly may be asked once more, after its pause. */
  #again({ unsent }: { readonly unsent: boolean }): Member | undefined {
    if (this.#tried === undefined || unsent) return undefined;
    this.#tried = undefined;
    return this.#pick();
  }

  /** Waits for a peer. Throws when waiting is not wanted or cannot help. */
  async #wait(signal: AbortSignal): Promise<Member> {
    const { waitForReady } = this.#plan.policy;
    const before = this.obstacle;
    for (;;) {
      if (signal.aborted) throw ConnectError.from(signal.reason, Code.Canceled);
      if (this.#cluster.closed) throw closedMeanwhile(this.obstacle);
      const { known, discovery } = this.#cluster;
      this.obstacle = known ? noPeer(this.#cluster, this.#plan.channels, before) : notYetKnown(discovery.target.service);
      // The registry's first answer is worth waiting for in any case; more only if asked.
      if (known && (!waitForReady || this.obstacle.code !== Code.Unavailable)) throw this.obstacle;
      const round = new AbortController();
      await Promise.race([
        this.#cluster.changed(AbortSignal.any([signal, round.signal])),
        sleep(retryRoundMs, AbortSignal.any([signal, round.signal])),
      ]);
      round.abort();
      // Everything that was tried could not be reached: it may be reachable now.
      this.#tried = undefined;
      const member = this.#pick();
      if (member === undefined) continue;
      // What it waited for is there.
      this.obstacle = before;
      return member;
    }
  }

  #try(member: Member): void {
    (this.#tried ??= new Set()).add(member);
  }

  /** All that a member was chosen from. */
  #members(member: Member): readonly Member[] {
    const channel = this.#plan.channels.find(({ name }) => name === member.peer.channel);
    return channel === undefined || channel.name === "local" ? [member] : this.#cluster.members(channel);
  }

  #publishCopy(copy: number): void {
    publish("call.hedge", () => ({ service: this.method.parent.typeName, method: this.method.name, copy }));
  }
}
