// tRPC over its standalone HTTP server and link.
import type { AddressInfo } from "node:net";
import { toJson } from "@bufbuild/protobuf";
import { createTRPCClient, httpLink } from "@trpc/client";
import { initTRPC } from "@trpc/server";
import { createHTTPServer } from "@trpc/server/adapters/standalone";
import type { Contender } from "../contender.ts";

const t = initTRPC.create();
const router = t.router({
  echo: t.procedure.input((value: unknown) => value).mutation(({ input }) => input),
});

/** tRPC to tRPC. */
export function trpc(): Contender {
  return {
    name: "trpc",
    without: ["blob"],
    serve() {
      const server = createHTTPServer({ router });
      return new Promise((resolve) => {
        server.listen(0, "127.0.0.1", () => {
          const { port } = server.address() as AddressInfo;
          resolve({ address: `http://127.0.0.1:${port}`, close: () => { server.close(); return Promise.resolve(); } });
        });
      });
    },
    connect(url) {
      const client = createTRPCClient<typeof router>({ links: [httpLink({ url })] });
      return Promise.resolve({
        unary({ desc, message }) {
          const plain = toJson(desc, message);
          return () => client.echo.mutate(plain);
        },
        close: () => Promise.resolve(),
      });
    },
  };
}
