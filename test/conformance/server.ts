/**
 * The server under test. Reads a `ServerCompatRequest` from stdin, starts a mesh
 * as it says, writes a `ServerCompatResponse` to stdout and serves until SIGTERM.
 */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { jsonCodec } from "../../src/codec/json.ts";
import { protobufCodec } from "../../src/codec/protobuf.ts";
import { component, createMesh, implement, memory } from "../../src/index.ts";
import { registry } from "./convert.ts";
import { frame, framed } from "./framing.ts";
import {
  ServerCompatRequestSchema,
  ServerCompatResponseSchema,
} from "./gen/connectrpc/conformance/v1/server_compat_pb.ts";
import type { ServerCompatRequest } from "./gen/connectrpc/conformance/v1/server_compat_pb.ts";
import { ConformanceService } from "./gen/connectrpc/conformance/v1/service_pb.ts";
import { conformance, ownTimeoutMs } from "./service.ts";

function tlsOf({ useTls, serverCreds, clientTlsCert }: ServerCompatRequest) {
  if (!useTls || serverCreds === undefined) return undefined;
  const own = { cert: Buffer.from(serverCreds.cert), key: Buffer.from(serverCreds.key) };
  return clientTlsCert.length === 0
    ? own
    : { ...own, requestCert: true, ca: Buffer.from(clientTlsCert) };
}

async function serve(request: ServerCompatRequest): Promise<void> {
  const { messageReceiveLimit } = request;
  const tls = tlsOf(request);
  const mesh = createMesh({
    registry: memory(),
    codecs: [protobufCodec, jsonCodec({ registry })],
    components: [
      component({
        name: "conformance",
        services: [implement(ConformanceService, conformance, { partial: true })],
      }),
    ],
    listen: { tls },
    limits: {
      defaultTimeoutMs: ownTimeoutMs,
      maxTimeoutMs: ownTimeoutMs,
      ...(messageReceiveLimit > 0 ? { readMaxBytes: messageReceiveLimit } : {}),
    },
  });
  await mesh.start();
  process.once("SIGTERM", () => void mesh.close(AbortSignal.abort()));
  const { hostname, port } = new URL(mesh.address ?? "");
  const response = create(ServerCompatResponseSchema, {
    host: hostname,
    port: Number(port),
    ...(tls === undefined ? {} : { pemCert: Uint8Array.from(tls.cert) }),
  });
  process.stdout.write(frame(toBinary(ServerCompatResponseSchema, response)));
}

for await (const message of framed(process.stdin)) {
  await serve(fromBinary(ServerCompatRequestSchema, message));
}
