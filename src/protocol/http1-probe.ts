import { Code, ConnectError } from "@connectrpc/connect";
import { Http1Call } from "./http1-call.ts";
import type { Http1Connections } from "./http1-connections.ts";

/**
 * Finds out whether something speaks HTTP at an address. Any answer to an
 * `OPTIONS` will do (RFC 9110, section 9.3.7). Rejects with an `unsent`
 * connection error when nothing answers in the time that connecting may take.
 */
export function http1Probe(connections: Http1Connections, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.reject(ConnectError.from(signal.reason, Code.Canceled));
  return new Promise((resolve, reject) => {
    new Probe(connections, signal, resolve, reject).send();
  });
}

class Probe extends Http1Call {
  readonly #signal: AbortSignal;
  readonly #resolve: () => void;
  readonly #reject: (error: unknown) => void;
  readonly #timer: NodeJS.Timeout;

  constructor(
    connections: Http1Connections,
    signal: AbortSignal,
    resolve: () => void,
    reject: (error: unknown) => void,
  ) {
    super(connections);
    this.#signal = signal;
    this.#resolve = resolve;
    this.#reject = reject;
    const { connectTimeoutMs } = connections;
    this.#timer = setTimeout(() => {
      this.#stop(connections.unreachable(new Error(`no answer within ${connectTimeoutMs} ms`)));
    }, connectTimeoutMs);
    signal.addEventListener("abort", this.#aborted, { once: true });
  }

  send(): void {
    try {
      this.dispatch({ method: "OPTIONS", path: "/", headers: [], body: null });
    } catch (error) {
      this.failed(error);
    }
  }

  protected override begun(): void {
    this.#over();
    this.#resolve();
  }

  protected override received(): void {
    // That it answered is all that was asked.
  }

  protected override ended(): void {
    // It has begun before.
  }

  protected override failed(error: unknown): void {
    this.#over();
    // A probe that was written and not answered found nobody, just the same.
    this.#reject(this.connections.unreachable(error));
  }

  #stop(error: Error): void {
    this.#over();
    this.#reject(error);
    this.cancel();
  }

  readonly #aborted = (): void => {
    this.#stop(ConnectError.from(this.#signal.reason, Code.Canceled));
  };

  #over(): void {
    clearTimeout(this.#timer);
    this.#signal.removeEventListener("abort", this.#aborted);
  }
}
