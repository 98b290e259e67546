import { Code, ConnectError } from "@connectrpc/connect";
import { GreetService } from "../../gen/greet/v1/greet_pb.ts";
import type { Balancer } from "../../src/balancer/balancer.ts";
import type { Channel } from "../../src/channel/channel.ts";
import { Group } from "../../src/client/group.ts";
import type { Member } from "../../src/client/member.ts";
import { PeerPool } from "../../src/client/peer-pool.ts";
import { instance } from "../../src/contract/instance.ts";
import { defaultRetry } from "../../src/contract/merge-policy.ts";
import type { HedgingPolicy, RetryPolicy, ThrottlePolicy } from "../../src/contract/policy.ts";
import { progressOf } from "../../src/protocol/progress.ts";
import { RetryBudget } from "../../src/resilience/budget.ts";
import type { RetryBudgetOptions } from "../../src/resilience/budget.ts";
import { hedge } from "../../src/resilience/hedge.ts";
import { outlierPolicy } from "../../src/resilience/outlier-policy.ts";
import type { OutlierPolicy } from "../../src/resilience/outlier-policy.ts";
import { Quantile } from "../../src/resilience/quantile.ts";
import { RetryGuard } from "../../src/resilience/retry-guard.ts";
import { Retry } from "../../src/resilience/retry.ts";
import { RetryThrottle } from "../../src/resilience/throttle.ts";
import { Deadlines } from "./deadlines.ts";
import type { Expiring } from "./deadlines.ts";
import { Ledger } from "./ledger.ts";
import type { Random } from "./random.ts";
import type { SimInstance } from "./sim-instance.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** How a simulated client makes its calls; what is left out is as in a mesh without options. */
export interface SimClientInit {
  readonly balancer: Balancer;
  /** Default: ejection with its defaults. */
  readonly outlier?: OutlierPolicy | false | undefined;
  /** Default: as for an idempotent method. */
  readonly retry?: RetryPolicy | false | undefined;
  readonly budget?: RetryBudgetOptions | undefined;
  readonly throttle?: ThrottlePolicy | undefined;
  /** Default off. Excludes `retry`. */
  readonly hedging?: HedgingPolicy | undefined;
  /** Deadline of each call, in milliseconds. Default 1000. */
  readonly deadlineMs?: number | undefined;
  /** Whether failures are told to the balancer as if they were answers: what a naive one would believe. */
  readonly naive?: boolean | undefined;
}

interface Call extends Expiring {
  readonly retry: Retry;
  tried: Set<Member> | undefined;
  /** Ends the attempt that runs. */
  giveUp: ((error: ConnectError) => void) | undefined;
  done: boolean;
}

const name = "simulated";
const info = { method: GreetService.method.greet };
const expired = new ConnectError("the deadline is over", Code.DeadlineExceeded);
const nowhere = new ConnectError("there is no instance", Code.Unavailable);
const lostRace = new ConnectError("another attempt decided the call first", Code.Canceled);

/**
 * A client that runs on virtual time: peers, ejection, balancer, retries,
 * budget, throttle and hedging are the mesh's own; only what is between this
 * process and an instance is simulated.
 */
export class SimClient {
  readonly ledger: Ledger = new Ledger();
  readonly #init: SimClientInit;
  readonly #time: VirtualTime;
  readonly #random: Random;
  readonly #group: Group;
  readonly #guard: RetryGuard;
  readonly #latency = new Quantile();
  readonly #deadlineMs: number;
  readonly #deadlines: Deadlines;
  readonly #lose = new Map<string, (error: unknown) => void>();
  readonly #sinceMs = new Map<string, number>();
  #instances: ReadonlyMap<string, SimInstance> = new Map();

  constructor(init: SimClientInit, time: VirtualTime, random: Random) {
    this.#init = init;
    this.#time = time;
    this.#random = random;
    this.#deadlineMs = init.deadlineMs ?? 1_000;
    this.#deadlines = new Deadlines(time, this.#deadlineMs);
    this.#guard = new RetryGuard(
      new RetryBudget(init.budget),
      init.throttle === undefined ? undefined : new RetryThrottle(init.throttle),
    );
    const cut = new AbortController().signal;
    const hosted = { find: () => undefined };
    const pool = new PeerPool(
      { readMaxBytes: 1, writeMaxBytes: 1, connectTimeoutMs: 1, cut, hosted },
      { now: time.now, random },
    );
    this.#group = new Group(this.#channel(), {
      pool,
      balancer: init.balancer,
      outlier: init.outlier ?? outlierPolicy(),
      changed: () => {
        time.settle();
      },
    });
  }

  /** Learns which instances there are. Those of the first time are not new. */
  learn(instances: readonly SimInstance[]): void {
    const nowMs = this.#instances.size === 0 ? -Infinity : this.#time.now();
    for (const { id } of instances) if (!this.#sinceMs.has(id)) this.#sinceMs.set(id, nowMs);
    this.#instances = new Map(instances.map((of) => [of.id, of]));
    const known = instances.map(({ id, zone }) =>
      instance({ id, zone, component: name, services: [info.method.parent.typeName], channels: { [name]: `http://${id}` } }),
    );
    this.#group.update(known, this.#sinceMs);
  }

  /** Makes one call. */
  call(): void {
    const startedMs = this.#time.now();
    this.ledger.calls.add(startedMs);
    this.#guard.called(startedMs);
    if (this.#init.hedging === undefined) this.#plain(startedMs);
    else this.#hedged(this.#init.hedging, startedMs);
  }

  /** Lets go of its timers. */
  close(): void {
    this.#group.close();
  }

  #plain(startedMs: number): void {
    const policy = { retry: this.#init.retry ?? defaultRetry, idempotent: true };
    const retry = new Retry(policy, this.#guard, this.#random);
    const expire = (): void => {
      if (call.done) return;
      this.#end(call, false);
      call.giveUp?.(expired);
    };
    const call: Call = { startedMs, retry, tried: undefined, giveUp: undefined, done: false, expire };
    this.#deadlines.add(call);
    this.#attempt(call);
  }

  #attempt(call: Call): void {
    if (call.done) return;
    const member = this.#pick(call);
    if (member === undefined) {
      this.#failed(call, undefined, nowhere);
      return;
    }
    call.giveUp = this.#begin(member, (error) => {
      call.giveUp = undefined;
      if (error !== undefined) this.#failed(call, member, error);
      else if (!call.done) {
        this.#guard.succeeded();
        this.#end(call, true);
      }
    });
  }

  /** A peer that was not tried; when all were, any. */
  #pick(call: Call): Member | undefined {
    const member = this.#group.pick(info, call.tried);
    if (member !== undefined || call.tried === undefined) return member;
    call.tried = undefined;
    return this.#group.pick(info, undefined);
  }

  #failed(call: Call, member: Member | undefined, error: ConnectError): void {
    if (call.done) return;
    const nowMs = this.#time.now();
    const leftMs = call.startedMs + this.#deadlineMs - nowMs;
    const verdict = call.retry.failed({ error, progress: progressOf(error), leftMs }, nowMs);
    if (!verdict.again) {
      this.#end(call, false);
      return;
    }
    if (member !== undefined) (call.tried ??= new Set()).add(member);
    this.#time.after(verdict.afterMs, () => {
      this.#attempt(call);
    });
  }

  #end(call: Call, ok: boolean): void {
    call.done = true;
    this.ledger.ended(call.startedMs, this.#time.now(), ok);
  }

  #hedged(policy: HedgingPolicy, startedMs: number): void {
    const deadline = new AbortController();
    this.#time.after(this.#deadlineMs, () => {
      deadline.abort(expired);
      this.#time.settle();
    });
    const tried = new Set<Member>();
    const attempt = (signal: AbortSignal): Promise<void> =>
      new Promise((resolve, reject) => {
        const member = this.#group.pick(info, tried.size === 0 ? undefined : tried);
        if (member === undefined) {
          reject(nowhere);
          return;
        }
        tried.add(member);
        const end = this.#begin(member, (error) => {
          this.#time.settle();
          if (error === undefined) resolve();
          else reject(error);
        });
        signal.addEventListener("abort", () => { end(deadline.signal.aborted ? expired : lostRace); }, { once: true });
      });
    const { now } = this.#time;
    hedge(attempt, { policy, guard: this.#guard, signal: deadline.signal, latency: this.#latency, now }).then(
      () => { this.ledger.ended(startedMs, now(), true); },
      () => { this.ledger.ended(startedMs, now(), false); },
    );
  }

  /** Begins an attempt. Returns what ends it early. */
  #begin(member: Member, ended: (error: ConnectError | undefined) => void): (error: ConnectError) => void {
    const startedMs = this.#time.now();
    let open = true;
    const end = (error: ConnectError | undefined): void => {
      if (!open) return;
      open = false;
      if (error !== undefined && progressOf(error) !== undefined) this.#lose.get(member.instance.id)?.(error);
      member.end(startedMs, this.#time.now(), this.#init.naive === true ? undefined : error);
      ended(error);
    };
    member.begin();
    this.ledger.attempts.add(startedMs);
    this.#instances.get(member.instance.id)?.handle(end);
    return end;
  }

  /** Reaches nothing by itself: attempts are made by {@link SimClient}, and this one knows who can be reached. */
  #channel(): Channel {
    const no = (): Promise<never> => Promise.reject(new Error("the simulated channel makes no calls"));
    return {
      name,
      connect: ({ id }, { onLost }) => {
        this.#lose.set(id, onLost);
        return {
          unary: no,
          stream: no,
          probe: () => {
            this.#time.settle();
            const down = this.#instances.get(id)?.mode === "down";
            return down ? Promise.reject(new Error("it cannot be reached")) : Promise.resolve();
          },
          [Symbol.asyncDispose]: () => Promise.resolve(),
        };
      },
    };
  }
}
