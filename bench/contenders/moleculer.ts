// Moleculer over its TCP transporter, two nodes.
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { toJson } from "@bufbuild/protobuf";
import moleculer from "moleculer";
import type { Contender } from "../contender.ts";

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => { resolve(port); });
    });
  });
}

function broker(nodeID: string, port: number, urls: readonly string[]) {
  return new moleculer.ServiceBroker({
    nodeID,
    logger: false,
    // Its types lack the options of its own TCP transporter.
    transporter: { type: "TCP", options: { udpDiscovery: false, port, urls: [...urls] } } as never,
  });
}

/** Moleculer to Moleculer. */
export function moleculerTcp(): Contender {
  return {
    name: "moleculer tcp",
    without: ["blob"],
    async serve() {
      const [own, other] = [await freePort(), await freePort()];
      const urls = [`127.0.0.1:${own}/server`, `127.0.0.1:${other}/client`];
      const node = broker("server", own, urls);
      node.createService({ name: "bench", actions: { echo: (context: { params: unknown }) => context.params } });
      await node.start();
      return { address: JSON.stringify({ other, urls }), close: () => node.stop() };
    },
    async connect(address) {
      const { other, urls } = JSON.parse(address) as { other: number; urls: string[] };
      const node = broker("client", other, urls);
      await node.start();
      await node.waitForServices("bench", 20_000);
      return {
        unary({ desc, message }) {
          const plain = toJson(desc, message);
          return () => node.call("bench.echo", plain);
        },
        close: () => node.stop(),
      };
    },
  };
}
