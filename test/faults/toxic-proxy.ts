import { connect, createServer } from "node:net";
import type { Server, Socket } from "node:net";
import { seeded } from "../resilience/virtual.ts";

/** What a {@link ToxicProxy} does to what passes through it (after Shopify's Toxiproxy). */
export interface Toxics {
  /** Every chunk is late by so many milliseconds. */
  readonly latencyMs?: number | undefined;
  /** And by up to so many more. */
  readonly jitterMs?: number | undefined;
  /** Bytes a second that pass in each direction of a connection. */
  readonly bytesPerSecond?: number | undefined;
  /** What vanishes: all, requests (`up`), or answers (`down`). Connections stay, as when a network is cut. */
  readonly blackHole?: "both" | "up" | "down" | undefined;
  /** New connections are reset at once. */
  readonly refuse?: boolean | undefined;
  /** The end of one side reaches the other only after so many milliseconds. */
  readonly slowCloseMs?: number | undefined;
  /** Share of the chunks of which a bit is flipped. */
  readonly corrupt?: number | undefined;
}

/** A TCP proxy that harms what passes through it. Disposing ends it and all its connections. */
export class ToxicProxy implements AsyncDisposable {
  /** What it does now; may be changed at any time. */
  toxics: Toxics = {};
  /** When each connection came, as of `performance.now()`. */
  readonly connectedMs: number[] = [];
  /** Bytes that vanished. */
  swallowed: number = 0;
  readonly #listener: Server;
  readonly #open = new Set<Socket>();
  readonly #random = seeded(1);
  readonly #port: number;

  private constructor(port: number) {
    this.#port = port;
    this.#listener = createServer({ allowHalfOpen: true }, (client) => {
      this.#accept(client);
    });
  }

  /** Starts a proxy to a port of the loopback, on a free one. */
  static async start(port: number): Promise<ToxicProxy> {
    const proxy = new ToxicProxy(port);
    await new Promise<void>((resolve) => proxy.#listener.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get address(): string {
    const at = this.#listener.address();
    return `http://127.0.0.1:${typeof at === "object" && at !== null ? at.port : 0}`;
  }

  /** How many connections are open, both sides counted as one. */
  get connections(): number {
    return this.#open.size / 2;
  }

  /** Resets all connections. */
  reset(): void {
    for (const socket of this.#open) reset(socket);
  }

  /** Ends what goes to the server on all connections, while its answers still pass. */
  halfClose(): void {
    for (const socket of this.#open) socket.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#listener.close(resolve));
    this.reset();
    await closed;
  }

  #accept(client: Socket): void {
    this.connectedMs.push(performance.now());
    if (this.toxics.refuse === true) {
      client.on("error", () => {});
      client.resetAndDestroy();
      return;
    }
    const server = connect({ port: this.#port, host: "127.0.0.1", allowHalfOpen: true });
    this.#pass(client, server, "up");
    this.#pass(server, client, "down");
  }

  #pass(from: Socket, to: Socket, way: "up" | "down"): void {
    this.#open.add(from);
    from.setNoDelay();
    // What passes stays in order: each chunk waits for the one before it.
    let last = Promise.resolve();
    const later = (run: () => void, ms: () => number): void => {
      last = last.then(async () => {
        const wait = ms();
        if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
        run();
      });
    };
    from.on("data", (chunk: Buffer) => {
      const { latencyMs = 0, jitterMs = 0, bytesPerSecond = Infinity } = this.toxics;
      const arrivedMs = performance.now();
      const lateMs = latencyMs + jitterMs * this.#random() + (chunk.length / bytesPerSecond) * 1_000;
      later(
        () => {
          if (this.#swallows(way)) this.swallowed += chunk.length;
          if (this.#swallows(way) || to.destroyed) return;
          if (!to.write(this.#harmed(chunk))) {
            from.pause();
            to.once("drain", () => from.resume());
          }
        },
        () => arrivedMs + lateMs - performance.now(),
      );
    });
    from.once("end", () => { later(() => { if (!this.#swallows(way)) to.end(); }, () => this.toxics.slowCloseMs ?? 0); });
    from.on("error", () => {
      if (!this.#swallows(way)) reset(to);
    });
    from.once("close", () => {
      this.#open.delete(from);
      if (!this.#swallows(way)) later(() => to.destroy(), () => this.toxics.slowCloseMs ?? 0);
    });
  }

  #swallows(way: "up" | "down"): boolean {
    const { blackHole } = this.toxics;
    return blackHole === "both" || blackHole === way;
  }

  #harmed(chunk: Buffer): Buffer {
    if (this.#random() >= (this.toxics.corrupt ?? 0)) return chunk;
    const at = Math.floor(this.#random() * chunk.length);
    const harmed = Buffer.from(chunk);
    harmed[at] = (harmed[at] ?? 0) ^ 0x10;
    return harmed;
  }
}

/** Resets a connection, or closes it while its end is on its way: libuv does not reset then, and never closes it either. */
function reset(socket: Socket): void {
  if (socket.writableEnded && !socket.writableFinished) socket.destroy();
  else socket.resetAndDestroy();
}
