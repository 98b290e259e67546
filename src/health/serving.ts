import { Latest } from "../async/latest.ts";
import { configurationError } from "../error.ts";

/** Whether a service takes calls, in the words of `grpc.health.v1`. */
export type ServingStatus = "SERVING" | "NOT_SERVING";

/** What a watcher sees: a status, or that the service is not known now. */
export type WatchedStatus = ServingStatus | "SERVICE_UNKNOWN";

/**
 * Which services of a server take calls: the state behind `grpc.health.v1`,
 * with the semantics of grpc-go's health server. The name `""` stands for the
 * whole server and is always known.
 */
export class ServingStatuses {
  // One value for all services: a watcher of any name, even of one that is
  // never set, costs nothing that would have to be cleaned up after it.
  // Once it has ended, at the shutdown, it takes no more values.
  readonly #statuses = new Latest<ReadonlyMap<string, ServingStatus>>();

  /** Starts with the status of the whole server; default `SERVING`, as in grpc-go. */
  constructor(server: ServingStatus = "SERVING") {
    this.#statuses.set(new Map([["", server]]));
  }

  /** Sets the status of a service, which is known from then on. Ignored after {@link shutdown}. */
  set(service: string, status: ServingStatus): void {
    if (this.get(service) === status) return;
    this.#statuses.set(new Map(this.list()).set(service, status));
  }

  /**
   * Forgets a service: its watchers see `SERVICE_UNKNOWN`. Ignored after
   * {@link shutdown}. Throws for `""`, because the whole server is always known.
   */
  remove(service: string): void {
    if (service === "") {
      throw configurationError(
        'the status of the whole server ("") cannot be removed; set it to NOT_SERVING',
      );
    }
    if (this.get(service) === undefined) return;
    const statuses = new Map(this.list());
    statuses.delete(service);
    this.#statuses.set(statuses);
  }

  /** The status of a service, or undefined when the service is not known. */
  get(service: string): ServingStatus | undefined {
    return this.list().get(service);
  }

  /** The status of all known services now, with the whole server as `""`. Never changes later. */
  list(): ReadonlyMap<string, ServingStatus> {
    return this.#statuses.value ?? new Map();
  }

  /**
   * The status of a service at once and then whenever it changes;
   * `SERVICE_UNKNOWN` as long as the service is not known. A slow reader gets
   * the newest status, not those in between, and never the same twice in a
   * row. Ends when the signal aborts, and after the last status on
   * {@link shutdown}.
   */
  async *watch(
    service: string,
    signal: AbortSignal,
  ): AsyncGenerator<WatchedStatus, void, undefined> {
    let last: WatchedStatus | undefined;
    for await (const statuses of this.#statuses.read(signal)) {
      const status = statuses.get(service) ?? "SERVICE_UNKNOWN";
      if (status === last) continue;
      last = status;
      yield status;
    }
  }

  /**
   * Sets all services to `NOT_SERVING` for good and ends all watchers once
   * they have seen it. A service that is not known stays unknown.
   */
  shutdown(): void {
    this.#statuses.set(new Map(Array.from(this.list().keys(), (name) => [name, "NOT_SERVING"])));
    this.#statuses.end();
  }
}
