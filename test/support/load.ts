import { Code, ConnectError } from "@connectrpc/connect";

/** What became of the calls of a {@link Load}. */
export interface Outcome {
  readonly sent: number;
  readonly ok: number;
  /** Failed calls by the name of their code. */
  readonly failed: Readonly<Record<string, number>>;
  /** Answered calls by instance. */
  readonly by: Readonly<Record<string, number>>;
}

/**
 * Calls at a fixed rate, whether or not earlier calls were answered, so that
 * slow answers do not hide what is lost. Bounded by {@link Load.stop}.
 */
export class Load {
  readonly #call: () => Promise<string>;
  readonly #timer: NodeJS.Timeout;
  readonly #running = new Set<Promise<void>>();
  readonly #failed: Record<string, number> = {};
  #by: Record<string, number> = {};
  #sent = 0;
  #ok = 0;

  /** @param call makes one call and resolves to the id of the instance that answered */
  constructor(call: () => Promise<string>, perSecond: number) {
    this.#call = call;
    this.#timer = setInterval(() => {
      this.#send();
    }, 1_000 / perSecond);
  }

  /** Calls that were answered so far. */
  get ok(): number {
    return this.#ok;
  }

  /** Answered calls by instance, since the last time it was asked. */
  take(): Readonly<Record<string, number>> {
    const by = this.#by;
    this.#by = {};
    return by;
  }

  /** Sends no more, waits for the answers that are due, and sums up. */
  async stop(): Promise<Outcome> {
    clearInterval(this.#timer);
    await Promise.all(this.#running);
    return { sent: this.#sent, ok: this.#ok, failed: this.#failed, by: this.#by };
  }

  #send(): void {
    this.#sent++;
    const running = this.#call().then(
      (instance) => {
        this.#ok++;
        this.#by[instance] = (this.#by[instance] ?? 0) + 1;
      },
      (error: unknown) => {
        const code = Code[ConnectError.from(error).code] ?? "?";
        this.#failed[code] = (this.#failed[code] ?? 0) + 1;
      },
    );
    this.#running.add(running);
    void running.finally(() => this.#running.delete(running));
  }
}
