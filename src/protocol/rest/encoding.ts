import { Readable, pipeline } from "node:stream";
import { createBrotliDecompress, createGunzip } from "node:zlib";
import { Code, ConnectError } from "@connectrpc/connect";
import { readAllBytes } from "@connectrpc/connect/protocol";
import type { Compression } from "@connectrpc/connect/protocol";
import { compressMinBytes, compressions } from "../compression.ts";
import { HttpRefusal } from "./refusal.ts";

const accepted = compressions.map(({ name }) => name).join(", ");

/** Reads a whole body, and what it is after decompression, up to `maxBytes`. */
export async function readBody(
  body: AsyncIterable<Uint8Array>,
  header: Headers,
  maxBytes: number,
): Promise<Uint8Array> {
  const encoding = encodingOf(header);
  const bytes = await readAllBytes(body, maxBytes, header.get("content-length"));
  return encoding === undefined || bytes.byteLength === 0 ? bytes : encoding.decompress(bytes, maxBytes);
}

/** A body that is read as it comes, decompressed. */
export function streamBody(body: AsyncIterable<Uint8Array>, header: Headers): AsyncIterable<Uint8Array> {
  const encoding = encodingOf(header);
  if (encoding === undefined) return body;
  if (encoding.name !== "gzip" && encoding.name !== "br") throw unknownEncoding(encoding.name, "gzip, br");
  const decompress = encoding.name === "gzip" ? createGunzip() : createBrotliDecompress();
  // Errors of either side end the iteration of the result.
  pipeline(Readable.from(body, { objectMode: false }), decompress, () => {});
  return decompressed(decompress);
}

async function* decompressed(from: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* from;
  } catch (error) {
    if (error instanceof ConnectError) throw error;
    throw new ConnectError("the body cannot be decompressed", Code.InvalidArgument, undefined, undefined, error);
  }
}

/** The compression of an answer of this size that a caller accepts, if any. */
export function answerEncoding(header: Headers, size: number): Compression | undefined {
  const accept = size < compressMinBytes ? null : header.get("accept-encoding");
  if (accept === null) return undefined;
  for (const token of accept.split(",")) {
    const [name = "", ...parameters] = token.split(";").map((part) => part.trim().toLowerCase());
    if (parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))) continue;
    const found = compressions.find((compression) => compression.name === name);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The compression of a body. Throws a refusal with 415 for one that is not known here. */
function encodingOf(header: Headers): Compression | undefined {
  const name = header.get("content-encoding")?.trim().toLowerCase();
  if (name === undefined || name === "" || name === "identity") return undefined;
  const found = compressions.find((compression) => compression.name === name);
  if (found === undefined) throw unknownEncoding(name, accepted);
  return found;
}

function unknownEncoding(name: string, known: string): HttpRefusal {
  return new HttpRefusal(
    415,
    `a body with the content encoding ${name} cannot be read here; send ${known} or none`,
    Code.Unimplemented,
    { "accept-encoding": known },
  );
}
