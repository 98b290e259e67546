import { Code, ConnectError } from "@connectrpc/connect";
import type { Compression, UniversalClientResponse } from "@connectrpc/connect/protocol";
import { codeFromHttpStatus } from "@connectrpc/connect/protocol-connect";
import type { Codec } from "../../codec/codec.ts";
import { compressions } from "../compression.ts";

/** The error of an answer that is only an HTTP status, as a proxy might give. */
export function statusError({ status, header }: UniversalClientResponse): ConnectError {
  return new ConnectError(`HTTP ${status}`, codeFromHttpStatus(status), header);
}

/** The error of an answer in a format that was not asked for. */
export function unexpectedType(
  header: Headers,
  codec: Codec,
  form: (codec: Codec) => string,
): ConnectError {
  const type = header.get("content-type");
  // Another format of the same protocol is a server's mistake; anything else may not be Connect.
  const related = type !== null && /^application\/(connect\+)?(proto|json|msgpack)\b/i.test(type);
  return new ConnectError(
    `the server answered with the content type ${type ?? "(none)"} instead of ${form(codec)}`,
    related ? Code.Internal : Code.Unknown,
    header,
  );
}

/** What decompresses an answer, or undefined when it is not compressed. */
export function decompressor(header: Headers, encodingHeader: string): Compression | undefined {
  const encoding = header.get(encodingHeader);
  if (encoding === null || encoding.toLowerCase() === "identity") return undefined;
  const found = compressions.find(({ name }) => name === encoding);
  if (found !== undefined) return found;
  throw new ConnectError(`the server answered with the unknown encoding ${encoding}`, Code.Internal, header);
}
