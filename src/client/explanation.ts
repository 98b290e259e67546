import type { DescMethod } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import type { ConnectError } from "@connectrpc/connect";
import type { CallAttempt, CallCandidate } from "../contract/call-explanation.ts";
import { effectiveWeight } from "../contract/instance.ts";
import { listeners, publish } from "../events.ts";
import type { RetryGuard } from "../resilience/retry-guard.ts";
import type { Member } from "./member.ts";

/** Whether calls have to explain themselves. */
export const explained: () => boolean = listeners("call.explained");

/** An attempt that goes on. */
export interface NotedAttempt {
  /** It ended: with an error or an answer, and with what follows. Said again, it changes only what follows. */
  ended(error: ConnectError | undefined, next: string, afterMs?: number): void;
}

/** An attempt as far as it has come. */
interface Noted {
  readonly instance: string;
  readonly channel: string;
  readonly why: CallAttempt["why"];
  readonly startedMs: number;
  readonly candidates: readonly CallCandidate[];
  endedMs: number | undefined;
  error: ConnectError | undefined;
  next: string;
  afterMs: number | undefined;
}

/** Notes what happens to a call, and tells it when the call is over. */
export class Explanation {
  readonly #method: DescMethod;
  readonly #timeoutMs: number;
  readonly #guard: RetryGuard;
  readonly #begunMs = performance.now();
  readonly #attempts: Noted[] = [];
  hashKey: string | undefined;

  constructor(method: DescMethod, timeoutMs: number, guard: RetryGuard) {
    this.#method = method;
    this.#timeoutMs = timeoutMs;
    this.#guard = guard;
  }

  /**
   * An attempt begins.
   *
   * @param members all that it could have gone to
   */
  attempt(
    member: Member,
    why: CallAttempt["why"],
    members: readonly Member[],
    tried: ReadonlySet<Member> | undefined,
  ): NotedAttempt {
    const startedMs = performance.now();
    const candidates = members.map((other) => candidate(other, startedMs, other !== member && tried?.has(other) === true));
    const noted: Noted = {
      instance: member.instance.id,
      channel: member.peer.channel,
      why: member.probing ? "probe" : why,
      startedMs,
      endedMs: undefined,
      error: undefined,
      next: "given up",
      afterMs: undefined,
      candidates,
    };
    this.#attempts.push(noted);
    return {
      ended: (error, next, afterMs) => {
        noted.endedMs ??= performance.now();
        if (error?.code === Code.Canceled) return;
        noted.error = error;
        noted.next = next;
        noted.afterMs = afterMs;
      },
    };
  }

  /** The call is over. */
  tell(error: ConnectError | undefined): void {
    const { budget, throttle } = this.#guard;
    const nowMs = performance.now();
    publish("call.explained", () => ({
      service: this.#method.parent.typeName,
      method: this.#method.name,
      timeoutMs: this.#timeoutMs,
      tookMs: nowMs - this.#begunMs,
      error,
      hashKey: this.hashKey,
      attempts: this.#attempts.map((noted) => this.#following(noted)).map(({ startedMs, endedMs = nowMs, ...attempt }) => ({
        ...attempt,
        atMs: startedMs - this.#begunMs,
        tookMs: endedMs - startedMs,
      })),
      budgetLeft: budget.left(nowMs),
      throttleTokens: throttle?.tokens,
    }));
  }

  /** An attempt that was to be followed by another says so only if one came before the call was over. */
  #following(noted: Noted): Noted {
    const { afterMs, endedMs = Infinity } = noted;
    if (afterMs === undefined) return noted;
    const followed = this.#attempts.some(({ why, startedMs }) => why !== "first" && startedMs >= endedMs);
    return followed ? noted : { ...noted, afterMs: undefined };
  }
}

function candidate(member: Member, nowMs: number, tried: boolean): CallCandidate {
  const { instance, inFlight, latency } = member;
  const expectedMs = latency.expectedMs(nowMs);
  return {
    instance: instance.id,
    state: tried ? "tried" : stateOf(member),
    inFlight,
    expectedMs,
    cost: expectedMs * (inFlight + 1),
    weight: effectiveWeight(instance),
  };
}

function stateOf({ available, serving, probing, ejected }: Member): CallCandidate["state"] {
  if (!available) return "lost";
  if (!serving) return "unwell";
  return probing ? "probing" : ejected ? "ejected" : "in";
}
