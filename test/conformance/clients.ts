import type { Client, Interceptor } from "@connectrpc/connect";
import { connectChannel } from "../../src/channel/connect.ts";
import { jsonCodec } from "../../src/codec/json.ts";
import { protobufCodec } from "../../src/codec/protobuf.ts";
import { createMesh, grpc, grpcWeb, staticRegistry } from "../../src/index.ts";
import type { Channel, Mesh } from "../../src/index.ts";
import type { CompressionName } from "../../src/protocol/compression.ts";
import { registry } from "./convert.ts";
import { Codec, Compression, HTTPVersion, Protocol } from "./gen/connectrpc/conformance/v1/config_pb.ts";
import type { ClientCompatRequest } from "./gen/connectrpc/conformance/v1/client_compat_pb.ts";
import { ConformanceService } from "./gen/connectrpc/conformance/v1/service_pb.ts";

const compressions: Partial<Record<Compression, CompressionName>> = {
  [Compression.GZIP]: "gzip",
  [Compression.BR]: "br",
  [Compression.ZSTD]: "zstd",
};

/**
 * A mesh gives every call a deadline. Where a case has none, the suite must not
 * see it: the other side would report one that nobody expects.
 */
const withoutDeadline: Interceptor = (next) => (request) => {
  request.header.delete("connect-timeout-ms");
  request.header.delete("grpc-timeout");
  return next(request);
};

/** Clients of meshes, one mesh for each server and way to call it, as a process would have. */
export class Clients {
  readonly #meshes = new Map<string, Mesh>();

  /** The client that a case asks for. Throws when the mesh does not know what it asks for. */
  of(request: ClientCompatRequest): Client<typeof ConformanceService> {
    const { protocol, httpVersion, codec, compression, host, port, timeoutMs, useGetHttpMethod } = request;
    const key = [
      protocol,
      httpVersion,
      codec,
      compression,
      host,
      port,
      timeoutMs === undefined,
      useGetHttpMethod,
      request.messageReceiveLimit,
      request.clientTlsCreds === undefined,
    ].join();
    let mesh = this.#meshes.get(key);
    if (mesh === undefined) {
      mesh = meshFor(request);
      this.#meshes.set(key, mesh);
    }
    return mesh.client(ConformanceService);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#meshes.values()].map((mesh) => mesh.close()));
  }
}

function meshFor(request: ClientCompatRequest): Mesh {
  const { host, port, serverTlsCert, clientTlsCreds, messageReceiveLimit } = request;
  const channel = channelFor(request);
  const secure = serverTlsCert.length > 0;
  const address = `${secure ? "https" : "http"}://${host.includes(":") ? `[${host}]` : host}:${port}`;
  return createMesh({
    registry: staticRegistry({ [ConformanceService.typeName]: [address] }, { channels: [channel.name] }),
    channels: [channel],
    channel: channel.name,
    waitForReady: false,
    ...(secure
      ? {
          tls: {
            ca: Buffer.from(serverTlsCert),
            ...(clientTlsCreds === undefined
              ? {}
              : { cert: Buffer.from(clientTlsCreds.cert), key: Buffer.from(clientTlsCreds.key) }),
          },
        }
      : {}),
    ...(messageReceiveLimit > 0 ? { limits: { readMaxBytes: messageReceiveLimit } } : {}),
  });
}

function channelFor(request: ClientCompatRequest): Channel {
  const { protocol, codec, compression, timeoutMs, useGetHttpMethod } = request;
  if (compression > Compression.IDENTITY && compressions[compression] === undefined) {
    throw new Error(`unknown compression ${compression}`);
  }
  const init = {
    compression: compressions[compression],
    // The suite also wants empty messages to be compressed.
    compressMinBytes: 0,
    interceptors: timeoutMs === undefined ? [withoutDeadline] : [],
  };
  const httpVersion = request.httpVersion === HTTPVersion.HTTP_VERSION_1 ? "1.1" : "2";
  const json = codec === Codec.JSON ? { registry } : false;
  switch (protocol) {
    case Protocol.CONNECT:
      return connectChannel(json === false ? protobufCodec : jsonCodec(json), {
        ...init,
        httpVersion,
        httpGet: useGetHttpMethod,
      });
    case Protocol.GRPC:
      return grpc({ ...init, json });
    case Protocol.GRPC_WEB:
      return grpcWeb({ ...init, json, httpVersion });
    default:
      throw new Error(`unknown protocol ${protocol}`);
  }
}
