// NestJS's gRPC transport. Its decorators are called as functions: the source runs without a compiler.
import "reflect-metadata";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { toJson } from "@bufbuild/protobuf";
import { Controller, Module } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { ClientProxyFactory, GrpcMethod, Transport } from "@nestjs/microservices";
import type { ClientGrpc } from "@nestjs/microservices";
import { firstValueFrom } from "rxjs";
import type { Observable } from "rxjs";
import type { Contender } from "../contender.ts";

class BenchController {
  echo(message: unknown): unknown {
    return message;
  }
}
Controller()(BenchController);
for (const rpc of ["EchoHello", "EchoRecord", "EchoTree", "EchoBlob"]) {
  Object.defineProperty(BenchController.prototype, rpc, {
    value: (message: unknown) => message,
    writable: true,
    configurable: true,
  });
  const descriptor = Object.getOwnPropertyDescriptor(BenchController.prototype, rpc);
  if (descriptor !== undefined) GrpcMethod("BenchService", rpc)(BenchController.prototype, rpc, descriptor);
}
class BenchModule {}
Module({ controllers: [BenchController] })(BenchModule);

const contract = {
  package: "bench.v1",
  protoPath: "bench/v1/bench.proto",
  loader: { includeDirs: [join(import.meta.dirname, "../../proto")], longs: String },
};

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => { resolve(port); });
    });
  });
}

/** NestJS to NestJS over gRPC. */
export function nestGrpc(): Contender {
  return {
    name: "nestjs grpc",
    async serve() {
      const url = `127.0.0.1:${await freePort()}`;
      const app = await NestFactory.createMicroservice(BenchModule, {
        transport: Transport.GRPC,
        options: { ...contract, url },
        logger: false,
      });
      await app.listen();
      return { address: url, close: () => app.close() };
    },
    connect(url) {
      const client = ClientProxyFactory.create({ transport: Transport.GRPC, options: { ...contract, url } });
      const bench = (client as unknown as ClientGrpc).getService<Record<string, (message: unknown) => Observable<unknown>>>(
        "BenchService",
      );
      return Promise.resolve({
        unary({ method, desc, message }) {
          const call = bench[method.localName];
          if (call === undefined) throw new Error(`no method ${method.localName}`);
          const plain = desc.typeName === "bench.v1.Blob" ? message : toJson(desc, message);
          return () => firstValueFrom(call(plain));
        },
        close: () => { client.close(); return Promise.resolve(); },
      });
    },
  };
}
