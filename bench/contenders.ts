// Every contender by name. Each is loaded only in the processes that need it,
// so that one library's start-up does not weigh on another's memory.
import type { Contender } from "./contender.ts";

const load: Readonly<Record<string, () => Promise<Contender>>> = {
  "floor-h1-protobuf": async () => {
    const { floorHttp1 } = await import("./contenders/floor-http1.ts");
    return floorHttp1((await import("../src/codec/protobuf.ts")).protobufCodec);
  },
  "floor-h1-json": async () => {
    const { floorHttp1 } = await import("./contenders/floor-http1.ts");
    return floorHttp1((await import("../src/codec/json.ts")).jsonCodec());
  },
  "floor-h1-msgpack": async () => {
    const { floorHttp1 } = await import("./contenders/floor-http1.ts");
    return floorHttp1((await import("../src/codec/msgpack.ts")).msgpackCodec());
  },
  "floor-h2-protobuf": async () => {
    const { floorHttp2 } = await import("./contenders/floor-http2.ts");
    return floorHttp2((await import("../src/codec/protobuf.ts")).protobufCodec);
  },
  "connect-h1": async () => (await import("./contenders/connect-node.ts")).connectNode("protobuf", "1.1"),
  "connect-h2": async () => (await import("./contenders/connect-node.ts")).connectNode("protobuf", "2"),
  "connect-json": async () => (await import("./contenders/connect-node.ts")).connectNode("json", "1.1"),
  "connect-grpc": async () => (await import("./contenders/connect-node.ts")).connectNode("grpc", "2"),
  "grpc-js": async () => (await import("./contenders/grpc-js.ts")).grpcJs(),
  "fastify-json": async () => (await import("./contenders/fastify-json.ts")).fastifyJson(),
  "nest-grpc": async () => (await import("./contenders/nest-grpc.ts")).nestGrpc(),
  moleculer: async () => (await import("./contenders/moleculer.ts")).moleculerTcp(),
  trpc: async () => (await import("./contenders/trpc.ts")).trpc(),
  ...Object.fromEntries(
    ["protobuf", "json", "msgpack", "grpc", "grpc-web", "rest"].map((channel) => [
      `mesh-${channel}`,
      async () => (await import("./contenders/mesh.ts")).mesh(channel),
    ]),
  ),
  "mesh-local": async () => (await import("./contenders/mesh.ts")).meshLocal(),
};

/** Keys of all contenders. */
export const contenders: readonly string[] = Object.keys(load);

/** Loads a contender. */
export function contenderOf(key: string): Promise<Contender> {
  const found = load[key];
  if (found === undefined) throw new Error(`no contender ${key}; there are ${contenders.join(", ")}`);
  return found();
}
