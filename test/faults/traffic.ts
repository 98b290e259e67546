import { Code, ConnectError } from "@connectrpc/connect";

interface Ended {
  readonly startedMs: number;
  readonly tookMs: number;
  /** Who answered; undefined when the call failed. */
  readonly by: string | undefined;
  readonly error: ConnectError | undefined;
}

/**
 * Calls at a fixed rate, whether or not earlier ones were answered, so that
 * slow answers do not hide what is lost.
 */
export class Traffic {
  readonly #call: (text: string) => Promise<string>;
  readonly #timer: NodeJS.Timeout;
  readonly #running = new Set<Promise<void>>();
  readonly #ended: Ended[] = [];
  #sent = 0;

  /** @param call makes one call with a text of its own and resolves to who answered */
  constructor(call: (text: string) => Promise<string>, perSecond: number) {
    this.#call = call;
    const startedMs = performance.now();
    // Timers are late now and then: what is due by then is sent together.
    this.#timer = setInterval(() => {
      const due = Math.floor(((performance.now() - startedMs) * perSecond) / 1_000);
      while (this.#sent < due) this.#send();
    }, 5);
  }

  /** Calls that were sent so far. */
  get sent(): number {
    return this.#sent;
  }

  /** Sends no more and waits for the answers that are due. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#running);
  }

  /** Calls that ended, of those that began within a time as of `performance.now()`. */
  count(fromMs: number = 0, untilMs: number = Infinity): number {
    return this.#within(fromMs, untilMs).length;
  }

  /** Of these, those that failed. */
  failed(fromMs: number = 0, untilMs: number = Infinity): number {
    return this.#within(fromMs, untilMs).filter(({ error }) => error !== undefined).length;
  }

  /** The share of these that was answered by one server, from 0 to 1. */
  share(id: string, fromMs: number = 0, untilMs: number = Infinity): number {
    const all = this.#within(fromMs, untilMs);
    return all.filter(({ by }) => by === id).length / Math.max(1, all.length);
  }

  /** The longest that one of these took, in milliseconds. */
  slowest(fromMs: number = 0, untilMs: number = Infinity): number {
    return this.#within(fromMs, untilMs).reduce((most, { tookMs }) => Math.max(most, tookMs), 0);
  }

  /** The time within which a share of these ended, in milliseconds. */
  quantile(share: number, fromMs: number = 0, untilMs: number = Infinity): number {
    const sorted = this.#within(fromMs, untilMs).map(({ tookMs }) => tookMs).sort((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  }

  /** Failed calls by code. */
  codes(): Readonly<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const { error } of this.#ended) {
      if (error === undefined) continue;
      const name = Code[error.code] ?? "?";
      counts[name] = (counts[name] ?? 0) + 1;
    }
    return counts;
  }

  /** What the failed calls of a time said. */
  messages(fromMs: number = 0, untilMs: number = Infinity): readonly string[] {
    return this.#within(fromMs, untilMs).flatMap(({ error }) => (error === undefined ? [] : [error.rawMessage]));
  }

  #within(fromMs: number, untilMs: number): readonly Ended[] {
    return this.#ended.filter(({ startedMs }) => startedMs >= fromMs && startedMs < untilMs);
  }

  #send(): void {
    const startedMs = performance.now();
    const running = this.#call(`call-${this.#sent++}`).then(
      (by) => { this.#end(startedMs, by, undefined); },
      (error: unknown) => { this.#end(startedMs, undefined, ConnectError.from(error)); },
    );
    this.#running.add(running);
    void running.finally(() => this.#running.delete(running));
  }

  #end(startedMs: number, by: string | undefined, error: ConnectError | undefined): void {
    this.#ended.push({ startedMs, tookMs: performance.now() - startedMs, by, error });
  }
}
