import type { Socket } from "node:net";

/** HTTP/1.1 connections, of which those that do not read their answers are ended. */
export class SlowReaders {
  readonly #timeoutMs: number;
  /** Each connection, and whether its timer runs. */
  readonly #sockets = new Map<Socket, boolean>();

  /** @param timeoutMs how long nothing of an answer may be read, in milliseconds */
  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** Looks after a connection until it closes. */
  add(socket: Socket): void {
    this.#sockets.set(socket, false);
    socket.once("close", () => this.#sockets.delete(socket));
    socket.on("timeout", () => {
      if (socket.writableLength > 0) socket.destroy();
    });
  }

  /** How often {@link check} should be called, in milliseconds. */
  get periodMs(): number {
    return this.#timeoutMs / 4;
  }

  /**
   * Looks at all connections; to be called from time to time. Those that have
   * something to write get Node's own timer, which knows of parts that were
   * read; the others are left alone, since a stream may be silent.
   */
  check(): void {
    for (const [socket, timed] of this.#sockets) {
      const waiting = socket.writableLength > 0;
      if (waiting === timed) continue;
      this.#sockets.set(socket, waiting);
      if (waiting) socket.setTimeout(this.#timeoutMs);
      // Not the timer that Node sets between two requests.
      else if (socket.timeout === this.#timeoutMs) socket.setTimeout(0);
    }
  }
}
