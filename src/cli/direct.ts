import { grpc } from "../channel/grpc.ts";
import type { PeerTransport } from "../channel/channel.ts";
import { instance } from "../contract/instance.ts";
import type { Instance } from "../contract/instance.ts";

/** Largest message that the command reads or sends, in bytes. */
export const maxMessageBytes: number = 64 * 1024 * 1024;

/** How long connecting may take, in milliseconds. */
export const connectTimeoutMs = 5_000;

/**
 * The address at which an instance answers gRPC, whatever its component offers:
 * health and reflection are on the port of the process.
 */
export function directAddress({ channels }: Instance): string | undefined {
  return channels["grpc"] ?? channels["protobuf"] ?? Object.values(channels)[0];
}

/** gRPC straight to an address: no registry, no retry. It ends when the signal aborts. */
export function direct(address: string, signal: AbortSignal): PeerTransport {
  const at = instance({
    id: address,
    component: "direct",
    services: [],
    channels: { grpc: address },
  });
  return grpc().connect(at, {
    readMaxBytes: maxMessageBytes,
    writeMaxBytes: maxMessageBytes,
    connectTimeoutMs,
    onLost: () => {
      // The call that needed the connection fails by itself.
    },
    cut: signal,
    hosted: { find: () => undefined },
  });
}
