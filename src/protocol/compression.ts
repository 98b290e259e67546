import { promisify } from "node:util";
import * as zlib from "node:zlib";
import { Code, ConnectError } from "@connectrpc/connect";
import { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";
import type { Compression } from "@connectrpc/connect/protocol";

/** Names of the compressions that channels can send with. */
export type CompressionName = "gzip" | "br" | "zstd";

/** Messages below this size are sent as they are, in bytes. */
export const compressMinBytes = 1_024;

/** What both sides understand, best first: gzip, Brotli, and Zstandard where Node has it (22.15). */
export const compressions: readonly Compression[] = [
  compressionGzip,
  compressionBrotli,
  ...("zstdCompress" in zlib ? [zstd()] : []),
];

/** The compression of a name. Throws when this Node does not have it. */
export function compressionOf(name: CompressionName): Compression {
  const found = compressions.find((compression) => compression.name === name);
  if (found !== undefined) return found;
  throw new ConnectError(`this Node cannot compress with ${name}`, Code.InvalidArgument);
}

function zstd(): Compression {
  const compress = promisify(zlib.zstdCompress);
  const decompress = promisify(zlib.zstdDecompress);
  return {
    name: "zstd",
    compress: async (bytes) => new Uint8Array(await compress(bytes)),
    async decompress(bytes, readMaxBytes) {
      if (bytes.length === 0) return new Uint8Array(0);
      try {
        return new Uint8Array(await decompress(bytes, { maxOutputLength: readMaxBytes }));
      } catch (error) {
        const tooLarge = (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";
        throw tooLarge
          ? new ConnectError(
              `message is larger than configured readMaxBytes ${readMaxBytes} after decompression`,
              Code.ResourceExhausted,
            )
          : new ConnectError("decompression failed", Code.InvalidArgument);
      }
    },
  };
}
