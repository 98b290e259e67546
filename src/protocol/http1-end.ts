import type { IncomingHttpHeaders } from "node:http";
import type { ConnectError } from "@connectrpc/connect";
import { connectionError } from "./progress.ts";

/** Formats that say themselves where they end. */
const selfDelimiting = /^application\/(connect\+|grpc)/i;

/** Whether an answer of HTTP/1.1 says where it ends, so that one that was cut off does not look complete. */
export function isDelimited(headers: IncomingHttpHeaders): boolean {
  return (
    headers["content-length"] !== undefined ||
    headers["transfer-encoding"] !== undefined ||
    selfDelimiting.test(headers["content-type"] ?? "")
  );
}

/** The error of an answer that does not. */
export function undelimited(): ConnectError {
  return connectionError(
    "the answer has neither a length nor chunks, so nothing says that it is complete; " +
      "let the server or proxy send one of them",
    "sent",
  );
}
