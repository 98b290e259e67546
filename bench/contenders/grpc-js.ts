// @grpc/grpc-js with proto-loader, as its documentation shows it.
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { toJson } from "@bufbuild/protobuf";
import type { Contender } from "../contender.ts";

type Unary = (message: unknown, done: (error: Error | null, answer: unknown) => void) => void;
interface BenchClient extends grpc.Client {
  readonly StreamRecords: (request: unknown) => grpc.ClientReadableStream<unknown>;
}

/** grpc-js to grpc-js. */
export function grpcJs(): Contender {
  const load = () => {
    const definition = loadSync("bench/v1/bench.proto", {
      includeDirs: [join(import.meta.dirname, "../../proto")],
      longs: String,
    });
    const loaded = grpc.loadPackageDefinition(definition) as unknown as {
      bench: { v1: { BenchService: grpc.ServiceClientConstructor } };
    };
    return loaded.bench.v1.BenchService;
  };
  return {
    name: "grpc-js",
    async serve() {
      const server = new grpc.Server();
      const unary = (call: { request: unknown }, done: (error: null, answer: unknown) => void): void => {
        done(null, call.request);
      };
      server.addService(load().service, {
        EchoHello: unary,
        EchoRecord: unary,
        EchoTree: unary,
        EchoBlob: unary,
        EchoAllKinds: unary,
        StreamRecords(call: grpc.ServerWritableStream<{ count: number }, unknown>) {
          let at = 0;
          const write = (): void => {
            while (at < call.request.count) if (!call.write({ i: at++, s: "s" })) return void call.once("drain", write);
            call.end();
          };
          write();
        },
      });
      const port = await new Promise<number>((resolve, reject) => {
        server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) => {
          if (error === null) resolve(bound);
          else reject(error);
        });
      });
      return { address: `http://127.0.0.1:${port}`, close: () => { server.forceShutdown(); return Promise.resolve(); } };
    },
    connect(address) {
      const client = new (load())(new URL(address).host, grpc.credentials.createInsecure()) as unknown as BenchClient;
      return Promise.resolve({
        unary({ method, desc, message }) {
          const call = (client as unknown as Record<string, Unary>)[method.name]?.bind(client);
          if (call === undefined) throw new Error(`no method ${method.name}`);
          const plain = desc.typeName === "bench.v1.Blob" ? message : toJson(desc, message);
          return () =>
            new Promise((resolve, reject) => {
              call(plain, (error, answer) => {
                if (error === null) resolve(answer);
                else reject(error);
              });
            });
        },
        async stream(count) {
          let seen = 0;
          for await (const _ of client.StreamRecords({ count })) seen++;
          return seen;
        },
        close: () => { client.close(); return Promise.resolve(); },
      });
    },
  };
}
