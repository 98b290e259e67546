// Stock connect-node: its adapter on Node's servers, its transports.
import { createServer as createHttp1 } from "node:http";
import { createServer as createHttp2 } from "node:http2";
import type { AddressInfo } from "node:net";
import { createClient } from "@connectrpc/connect";
import { connectNodeAdapter, createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { BenchService } from "../../gen/bench/v1/bench_pb.ts";
import type { Contender } from "../contender.ts";
import { echo } from "./echo.ts";

/** connect-node with one of its protocols. */
export function connectNode(kind: "protobuf" | "json" | "grpc", httpVersion: "1.1" | "2"): Contender {
  return {
    name: `connect-node ${kind} http/${httpVersion}`,
    serve() {
      const adapter = connectNodeAdapter({ routes: (router) => router.service(BenchService, echo) });
      const server = httpVersion === "2" ? createHttp2(adapter) : createHttp1(adapter);
      return new Promise((resolve) => {
        server.listen(0, "127.0.0.1", () => {
          resolve({
            address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
            close: () => { server.close(); return Promise.resolve(); },
          });
        });
      });
    },
    connect(baseUrl) {
      const transport =
        kind === "grpc"
          ? createGrpcTransport({ baseUrl })
          : createConnectTransport({ baseUrl, httpVersion, useBinaryFormat: kind === "protobuf" });
      const bench = createClient(BenchService, transport);
      return Promise.resolve({
        unary: ({ method, message }) => {
          const call = bench[method.localName as "echoHello"].bind(bench);
          return () => call(message as never);
        },
        async stream(count) {
          let seen = 0;
          for await (const _ of bench.streamRecords({ count })) seen++;
          return seen;
        },
        close: () => Promise.resolve(),
      });
    },
  };
}
