/**
 * Encodes a message for the header `grpc-message`: printable ASCII stays as it
 * is, everything else and the percent sign become percent-encoded UTF-8
 * (grpc/doc/PROTOCOL-HTTP2.md, "Responses"). `encodeURIComponent` encodes more,
 * which some clients, grpc-js among them, do not decode.
 */
export function encodeGrpcMessage(message: string): string {
  return message.toWellFormed().replaceAll(/[^\u0020-\u007e]+|%/g, encodeURIComponent);
}

/** Encodes the message of an error again, which Connect's handlers encode with `encodeURIComponent`. */
export function tidyGrpcMessage(trailer: Headers): void {
  const message = trailer.get("grpc-message");
  if (message === null || trailer.get("grpc-status") === "0") return;
  trailer.set("grpc-message", encodeGrpcMessage(decodeURIComponent(message)));
}
