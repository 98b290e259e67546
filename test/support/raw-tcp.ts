import { connect } from "node:net";
import type { Socket } from "node:net";

/** A TCP connection that sends what it likes. Disposing ends it. */
export class RawTcp implements Disposable {
  readonly socket: Socket;
  /** Resolves when the connection has closed. */
  readonly closed: Promise<void>;
  #received = "";

  /** @param to a port of the loopback, or the path of a unix socket */
  constructor(to: number | string) {
    this.socket =
      typeof to === "number" ? connect({ host: "127.0.0.1", port: to }) : connect({ path: to });
    this.socket.on("error", () => {
      // "close" follows.
    });
    this.socket.on("data", (bytes: Buffer) => {
      this.#received += bytes.toString("latin1");
    });
    this.closed = new Promise((resolve) => {
      this.socket.once("close", () => {
        resolve();
      });
    });
  }

  /** What has arrived so far, one character a byte. */
  get received(): string {
    return this.#received;
  }

  send(bytes: Uint8Array | string): this {
    this.socket.write(bytes);
    return this;
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}
