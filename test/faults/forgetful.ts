import { once } from "node:events";
import { createServer, request } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Registry } from "../../src/index.ts";

/** A registry that takes an error of another for an empty answer, as clients do that remember nothing. */
export function forgetful(of: Registry): Registry {
  return {
    name: of.name,
    register: (instance, signal) => of.register(instance, signal),
    async *watch(target, signal) {
      for await (const { instances, problem } of of.watch(target, signal)) yield { instances: problem === undefined ? instances : [] };
    },
  };
}

/** An HTTP proxy to a Consul agent that lets only the leader answer: it takes `stale` out of every question. Disposing ends it. */
export class LeaderReads implements AsyncDisposable {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** Starts one, on a free port of the loopback. */
  static async start(agent: string): Promise<LeaderReads> {
    const server = createServer((asked, answer) => {
      const url = new URL(asked.url ?? "/", agent);
      url.searchParams.delete("stale");
      const outgoing = request(url, { method: asked.method ?? "GET", headers: asked.headers }, (response) => {
        answer.writeHead(response.statusCode ?? 502, response.headers);
        response.pipe(answer);
        response.on("error", () => answer.destroy());
      });
      outgoing.on("error", () => answer.destroy());
      answer.once("close", () => outgoing.destroy());
      asked.pipe(outgoing);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new LeaderReads(server);
  }

  /** Its address, as `consul()` takes it. */
  get address(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}
