// Stock connect-fastify, called by connect-mesh's client, which speaks Connect as well.
import { fastifyConnectPlugin } from "@connectrpc/connect-fastify";
import fastify from "fastify";
import { BenchService } from "../../gen/bench/v1/bench_pb.ts";
import type { Contender } from "../contender.ts";
import { echo } from "./echo.ts";

/** A Connect server on Fastify over HTTP/2. */
export function connectFastify(): Contender {
  return {
    name: "connect-fastify protobuf",
    async serve() {
      const app = fastify({ http2: true });
      await app.register(fastifyConnectPlugin, { routes: (router) => router.service(BenchService, echo) });
      const address = await app.listen({ port: 0, host: "127.0.0.1" });
      return { address, close: () => app.close() };
    },
    // Loaded here, so that it does not weigh on the server's memory.
    connect: async (address) => (await import("./mesh.ts")).mesh("protobuf").connect(address),
  };
}
