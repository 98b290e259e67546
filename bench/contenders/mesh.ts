// connect-mesh as its users have it: createMesh, start, client, over a registry.
import { createClient } from "@connectrpc/connect";
import { component, createMesh, implement, staticRegistry } from "../../src/index.ts";
import { BenchService, RecordSchema } from "../../gen/bench/v1/bench_pb.ts";
import type { Record as BenchRecord } from "../../gen/bench/v1/bench_pb.ts";
import { create } from "@bufbuild/protobuf";
import type { Mesh } from "../../src/index.ts";
import type { BenchMessage } from "../messages.ts";
import type { Contender, ContenderClient } from "../contender.ts";

/** The implementation that every server of a BenchService here has. */
export const echo = {
  echoHello: <T>(message: T): T => message,
  echoRecord: <T>(message: T): T => message,
  echoTree: <T>(message: T): T => message,
  echoBlob: <T>(message: T): T => message,
  echoAllKinds: <T>(message: T): T => message,
  async *streamRecords({ count }: { count: number }): AsyncGenerator<BenchRecord> {
    for (let at = 0; at < count; at++) yield create(RecordSchema, { i: at, s: "s" });
  },
};

function host(): Mesh {
  const bench = component({ name: "bench", services: [implement(BenchService, echo)] });
  return createMesh({ registry: staticRegistry({}), components: [bench], listen: {}, drain: { drainDelayMs: 0 } });
}

function clientOf(mesh: Mesh, channel: string, close: () => Promise<void>): ContenderClient {
  const bench = createClient(BenchService, mesh.transport({ channel }));
  return {
    unary: ({ method, message }: BenchMessage) => {
      const call = bench[method.localName as "echoHello"].bind(bench);
      return () => call(message as never);
    },
    async stream(count) {
      let seen = 0;
      for await (const _ of bench.streamRecords({ count })) seen++;
      return seen;
    },
    close,
  };
}

/** connect-mesh over one of its channels. */
export function mesh(channel: string): Contender {
  return {
    name: `mesh ${channel}`,
    async serve() {
      const mesh = host();
      await mesh.start();
      return { address: mesh.address ?? "", close: () => mesh.close() };
    },
    connect(address) {
      const channels = { [BenchService.typeName]: [address] };
      const mesh = createMesh({ registry: staticRegistry(channels, { channels: [channel] }) });
      return Promise.resolve(clientOf(mesh, channel, () => mesh.close()));
    },
  };
}

/** connect-mesh without a wire: the client hosts the component itself. */
export function meshLocal(): Contender {
  return {
    name: "mesh local",
    serve: () => Promise.resolve({ address: "local:", close: () => Promise.resolve() }),
    async connect() {
      const mesh = host();
      await mesh.start();
      return clientOf(mesh, "local", () => mesh.close());
    },
  };
}
