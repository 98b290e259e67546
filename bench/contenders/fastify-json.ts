// A hand-written JSON API: Fastify and undici, no contract.
import { toJson } from "@bufbuild/protobuf";
import fastify from "fastify";
import { Pool } from "undici";
import { messages } from "../messages.ts";
import type { Contender } from "../contender.ts";

/** Fastify and undici with JSON. */
export function fastifyJson(): Contender {
  return {
    name: "fastify + undici json",
    without: ["blob"],
    async serve() {
      const app = fastify();
      for (const { name } of messages) app.post(`/${name}`, (request) => Promise.resolve(request.body));
      const address = await app.listen({ port: 0, host: "127.0.0.1" });
      return { address, close: () => app.close() };
    },
    connect(address) {
      const pool = new Pool(address, { connections: 64, pipelining: 1 });
      return Promise.resolve({
        unary({ name, desc, message }) {
          const plain = toJson(desc, message);
          const headers = { "content-type": "application/json" };
          return async () => {
            const { body } = await pool.request({ path: `/${name}`, method: "POST", headers, body: JSON.stringify(plain) });
            return body.json();
          };
        },
        close: () => pool.close(),
      });
    },
  };
}
