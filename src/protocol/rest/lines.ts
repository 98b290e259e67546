import { Code, ConnectError } from "@connectrpc/connect";
import { utf8 } from "./json.ts";

const newline = 0x0a;

/**
 * The lines of newline-delimited text, without those that are blank. Throws
 * `resource_exhausted` for a line of more than `maxBytes`, and
 * `invalid_argument` for one that is not UTF-8.
 */
export async function* lines(body: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<string> {
  let parts: Uint8Array[] = [];
  let size = 0;
  const add = (part: Uint8Array): void => {
    size += part.byteLength;
    if (size > maxBytes) {
      throw new ConnectError(`a message of more than readMaxBytes ${maxBytes} bytes`, Code.ResourceExhausted);
    }
    parts.push(part);
  };
  const take = (): string => {
    const line = utf8(parts.length === 1 ? (parts[0] ?? empty) : Buffer.concat(parts)).trim();
    parts = [];
    size = 0;
    return line;
  };
  for await (const chunk of body) {
    let from = 0;
    for (let at = chunk.indexOf(newline); at !== -1; at = chunk.indexOf(newline, from)) {
      add(chunk.subarray(from, at));
      from = at + 1;
      const line = take();
      if (line !== "") yield line;
    }
    if (from < chunk.byteLength) add(chunk.subarray(from));
  }
  const last = take();
  if (last !== "") yield last;
}

const empty = new Uint8Array(0);
