// Every contender by key. Each is loaded only in the processes that need it,
// so that one library's start-up does not weigh on another's memory.
import type { Codec } from "../src/codec/codec.ts";
import { crossed } from "./contender.ts";
import type { Contender } from "./contender.ts";

const codecs = {
  protobuf: async () => (await import("../src/codec/protobuf.ts")).protobufCodec,
  json: async () => (await import("../src/codec/json.ts")).jsonCodec(),
  msgpack: async () => (await import("../src/codec/msgpack.ts")).msgpackCodec(),
} satisfies Readonly<Record<string, () => Promise<Codec>>>;

async function floorHttp1(codec: keyof typeof codecs): Promise<Contender> {
  return (await import("./contenders/floor-http1.ts")).floorHttp1(await codecs[codec]());
}

async function floorHttp2(codec: keyof typeof codecs): Promise<Contender> {
  return (await import("./contenders/floor-http2.ts")).floorHttp2(await codecs[codec]());
}

async function connectNode(kind: "protobuf" | "json" | "grpc", version: "1.1" | "2"): Promise<Contender> {
  return (await import("./contenders/connect-node.ts")).connectNode(kind, version);
}

async function grpcJs(): Promise<Contender> {
  return (await import("./contenders/grpc-js.ts")).grpcJs();
}

async function mesh(channel: string, httpVersion?: "1.1"): Promise<Contender> {
  return (await import("./contenders/mesh.ts")).mesh(channel, httpVersion);
}

/** They are measured in this order: those that are compared most are beside each other. */
const load: Readonly<Record<string, () => Promise<Contender>>> = {
  "connect-h2": () => connectNode("protobuf", "2"),
  "connect-h1": () => connectNode("protobuf", "1.1"),
  "floor-h2-protobuf": () => floorHttp2("protobuf"),
  "mesh-protobuf": () => mesh("protobuf"),
  "mesh-grpc": () => mesh("grpc"),
  "floor-h2-grpc": async () => (await import("./contenders/floor-http2.ts")).floorGrpc(await codecs.protobuf()),
  "grpc-js-to-mesh": async () => crossed("grpc-js to mesh", await mesh("grpc"), await grpcJs()),
  "grpc-js": grpcJs,
  "mesh-to-grpc-js": async () => crossed("mesh to grpc-js", await grpcJs(), await mesh("grpc")),
  "connect-grpc": () => connectNode("grpc", "2"),
  "floor-h2-msgpack": () => floorHttp2("msgpack"),
  "mesh-msgpack": () => mesh("msgpack"),
  "floor-h2-json": () => floorHttp2("json"),
  "mesh-json": () => mesh("json"),
  "mesh-rest": () => mesh("rest"),
  "connect-json": () => connectNode("json", "1.1"),
  "floor-h1-protobuf": () => floorHttp1("protobuf"),
  "mesh-protobuf-h1": () => mesh("protobuf", "1.1"),
  "floor-h1-msgpack": () => floorHttp1("msgpack"),
  "floor-h1-json": () => floorHttp1("json"),
  "mesh-grpc-web": () => mesh("grpc-web"),
  "mesh-local": async () => (await import("./contenders/mesh.ts")).meshLocal(),
  "nest-grpc": async () => (await import("./contenders/nest-grpc.ts")).nestGrpc(),
  "fastify-json": async () => (await import("./contenders/fastify-json.ts")).fastifyJson(),
  trpc: async () => (await import("./contenders/trpc.ts")).trpc(),
  moleculer: async () => (await import("./contenders/moleculer.ts")).moleculerTcp(),
};

/** Contenders for `--memory` only. */
const servers: Readonly<Record<string, () => Promise<Contender>>> = {
  "connect-fastify": async () => (await import("./contenders/connect-fastify.ts")).connectFastify(),
};

/** Keys of all contenders that are Node programs. */
export const contenders: readonly string[] = Object.keys(load);

/** Loads a contender. */
export function contenderOf(key: string): Promise<Contender> {
  const found = load[key] ?? servers[key];
  if (found === undefined) {
    throw new Error(`no contender ${key}; there are ${[...contenders, ...Object.keys(servers)].join(", ")}`);
  }
  return found();
}
