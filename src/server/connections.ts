import type { Socket } from "node:net";
import type { ServerLimits } from "./options.ts";

/** The open connections of a server: so many in all, and so many from one address. */
export class Connections {
  readonly #limits: Pick<ServerLimits, "maxConnections" | "maxConnectionsPerAddress">;
  readonly #sockets = new Set<Socket>();
  readonly #byAddress = new Map<string, number>();

  constructor(limits: Pick<ServerLimits, "maxConnections" | "maxConnectionsPerAddress">) {
    this.#limits = limits;
  }

  /** Counts a new connection until it closes. Returns false for one too many, which is not counted. */
  add(socket: Socket): boolean {
    const { maxConnections, maxConnectionsPerAddress } = this.#limits;
    // Those of a unix socket have no address: all of them come from this machine.
    const address = socket.remoteAddress ?? "";
    const same = this.#byAddress.get(address) ?? 0;
    if (this.#sockets.size >= maxConnections || same >= maxConnectionsPerAddress) return false;
    this.#sockets.add(socket);
    this.#byAddress.set(address, same + 1);
    socket.once("close", () => {
      this.#sockets.delete(socket);
      this.#left(address);
    });
    return true;
  }

  /** Ends all. */
  destroy(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #left(address: string): void {
    const left = (this.#byAddress.get(address) ?? 0) - 1;
    if (left > 0) this.#byAddress.set(address, left);
    else this.#byAddress.delete(address);
  }
}
