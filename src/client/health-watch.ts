import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { createAsyncIterable } from "@connectrpc/connect/protocol";
import { Health, HealthCheckRequestSchema, HealthCheckResponse_ServingStatus as Status } from "../../gen/grpc/health/v1/health_pb.ts";
import { narrowJitter } from "../async/backoff.ts";
import { maxTimerMs, sleep } from "../async/sleep.ts";
import { publish } from "../events.ts";
import type { ClientPeer } from "./peer.ts";

/** Pauses after a watch that failed (gRFC A17). */
const again = { initialMs: 1_000, maxMs: 120_000, multiplier: 1.6 };

/**
 * Watches what an instance says of its own health, over the connection that
 * calls take (gRFC A17, `grpc.health.v1.Health/Watch`). Shared by all clients
 * that want to know the same.
 *
 * An instance counts as serving until it says otherwise, while it has no health
 * service, and while it is lost, which is known without it. One whose watch
 * fails although it can be reached does not, until the next answer.
 */
export class HealthWatch {
  readonly service: string;
  /** Told when {@link serving} changes. */
  readonly users: Set<() => void> = new Set();
  readonly #peer: ClientPeer;
  readonly #random: () => number;
  readonly #ended = new AbortController();
  /** Aborts when the instance is lost, or can be reached again. */
  #turned = new AbortController();
  #serving = true;

  /** Begins at once. @param service the name that the instance is asked about; empty for all of it */
  constructor(peer: ClientPeer, service: string, random: () => number) {
    this.#peer = peer;
    this.service = service;
    this.#random = random;
    void this.#run(this.#ended.signal);
  }

  /** Whether calls should go there, by its own word. */
  get serving(): boolean {
    return this.#serving;
  }

  /** The instance was lost, or can be reached again. */
  turned(): void {
    this.#turned.abort();
  }

  /** Ends the watch. */
  close(): void {
    this.#ended.abort();
  }

  async #run(signal: AbortSignal): Promise<void> {
    let attempt = 0;
    while (!signal.aborted) {
      const turned = (this.#turned = new AbortController()).signal;
      const ends = AbortSignal.any([signal, turned]);
      if (!this.#peer.available) {
        attempt = 0;
        await sleep(maxTimerMs, ends);
        continue;
      }
      const begunMs = performance.now();
      // Ends with the loss, or it would hold a connection that the other side wants to end.
      const error = await this.#watch(ends, () => {
        attempt = 0;
      });
      if (signal.aborted) return;
      // What was lost is looked after elsewhere. Where the peer, or the channel, has nothing to
      // watch, it is asked again after the next loss.
      const nothing = turned.aborted || error?.code === Code.Unimplemented;
      this.#set(nothing);
      // The pause includes the watch: one that went well for long is begun again at once.
      const pauseMs = narrowJitter(again, attempt++, this.#random) - (performance.now() - begunMs);
      await sleep(nothing ? maxTimerMs : Math.max(0, pauseMs), ends);
    }
  }

  /** Watches until that ends. Resolves to why, undefined when the instance ended it. */
  async #watch(signal: AbortSignal, heard: () => void): Promise<ConnectError | undefined> {
    const request = createAsyncIterable([create(HealthCheckRequestSchema, { service: this.service })]);
    try {
      const answer = await this.#peer.transport.stream(Health.method.watch, signal, undefined, undefined, request);
      for await (const { status } of answer.message) {
        heard();
        this.#set(status === Status.SERVING);
      }
      return undefined;
    } catch (error) {
      return ConnectError.from(error);
    }
  }

  #set(serving: boolean): void {
    if (serving === this.#serving) return;
    this.#serving = serving;
    const { instance, channel } = this.#peer;
    publish("peer.health", () => ({ instance, channel, service: this.service, serving }));
    for (const user of this.users) user();
  }
}
