// connect-mesh as its users have it: createMesh, start, client, over a registry.
import { BenchService } from "../../gen/bench/v1/bench_pb.ts";
import { component, createMesh, implement, protobuf, staticRegistry } from "../../src/index.ts";
import type { Mesh } from "../../src/index.ts";
import type { Contender, ContenderClient } from "../contender.ts";
import type { BenchMessage } from "../messages.ts";
import { restContract } from "../rest-contract.ts";
import { echo } from "./echo.ts";

type Contract = typeof BenchService;

function host(contract: Contract): Mesh {
  const bench = component({ name: "bench", services: [implement(contract, echo)] });
  return createMesh({ registry: staticRegistry({}), components: [bench], listen: {}, drain: { drainDelayMs: 0 } });
}

function clientOf(mesh: Mesh, contract: Contract, channel: string): ContenderClient {
  const bench = mesh.client(contract, { channel });
  return {
    unary: ({ method, message }: BenchMessage) => {
      // Every echo takes what it is given, whatever its type.
      const call = bench[method.localName as "echoHello"].bind(bench);
      return () => call(message as never);
    },
    async stream(count) {
      let seen = 0;
      for await (const _ of bench.streamRecords({ count })) seen++;
      return seen;
    },
    close: () => mesh.close(),
  };
}

/** connect-mesh over one of its channels. */
export function mesh(channel: string, httpVersion?: "1.1"): Contender {
  const contract = channel === "rest" ? restContract() : BenchService;
  return {
    name: `mesh ${channel}${httpVersion === undefined ? "" : ` http/${httpVersion}`}`,
    async serve() {
      const mesh = host(contract);
      await mesh.start();
      return { address: mesh.address ?? "", close: () => mesh.close() };
    },
    connect(address) {
      const registry = staticRegistry({ [contract.typeName]: [address] }, { channels: [channel] });
      const mesh = createMesh({ registry, channels: httpVersion && [protobuf({ httpVersion })] });
      return Promise.resolve(clientOf(mesh, contract, channel));
    },
  };
}

/** connect-mesh without a wire: the client hosts the component itself. */
export function meshLocal(): Contender {
  return {
    name: "mesh local",
    local: true,
    serve: () => Promise.resolve({ address: "local:", close: () => Promise.resolve() }),
    async connect() {
      const mesh = host(BenchService);
      await mesh.start();
      return clientOf(mesh, BenchService, "local");
    },
  };
}
