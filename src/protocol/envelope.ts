import { Code, ConnectError } from "@connectrpc/connect";

/** Bytes before each message: flags, and a length of four bytes (grpc/doc/PROTOCOL-HTTP2.md). */
export const envelopeBytes = 5;

/**
 * A message in its envelope, in one piece.
 *
 * @param flags 1 for a compressed message, others for what is no message. Default 0
 */
export function envelop(message: Uint8Array, flags: number = 0): Uint8Array {
  const { byteLength } = message;
  const bytes = Buffer.allocUnsafe(envelopeBytes + byteLength);
  bytes[0] = flags;
  bytes.writeUInt32BE(byteLength, 1);
  bytes.set(message, envelopeBytes);
  return bytes;
}

/**
 * The message of a body that must hold exactly one, uncompressed. Throws the
 * errors of Connect's own pipelines; undefined for a body of no bytes.
 */
export function onlyMessage(body: Uint8Array, maxBytes: number, kind: "input" | "output"): Uint8Array | undefined {
  if (body.byteLength === 0) return undefined;
  if (body.byteLength < envelopeBytes) throw incomplete();
  // By hand: a view of the bytes costs more than reading them.
  const { 0: flags = 0, 1: b1 = 0, 2: b2 = 0, 3: b3 = 0, 4: b4 = 0 } = body;
  const length = b1 * 2 ** 24 + (b2 << 16) + (b3 << 8) + b4;
  if (length > maxBytes) {
    throw new ConnectError(
      `message size ${length} is larger than configured readMaxBytes ${maxBytes}`,
      Code.ResourceExhausted,
    );
  }
  const end = envelopeBytes + length;
  if (body.byteLength < end) throw incomplete();
  if ((flags & 1) === 1) {
    throw new ConnectError("received compressed envelope, but do not know how to decompress", Code.Internal);
  }
  if (body.byteLength > end) {
    throw new ConnectError(`protocol error: received extra ${kind} message for unary method`, Code.Unimplemented);
  }
  return body.subarray(envelopeBytes, end);
}

function incomplete(): ConnectError {
  return new ConnectError("protocol error: incomplete envelope", Code.InvalidArgument);
}
