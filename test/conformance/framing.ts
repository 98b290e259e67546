import type { Readable } from "node:stream";

/** The messages of a stream in which each comes after its length in four bytes, big-endian. */
export async function* framed(input: Readable): AsyncGenerator<Uint8Array> {
  let waiting: Buffer = Buffer.alloc(0);
  for await (const chunk of input) {
    waiting = Buffer.concat([waiting, chunk as Buffer]);
    while (waiting.length >= 4) {
      const end = 4 + waiting.readUInt32BE(0);
      if (waiting.length < end) break;
      yield waiting.subarray(4, end);
      waiting = waiting.subarray(end);
    }
  }
  if (waiting.length > 0) throw new Error("the input ended within a message");
}

/** A message with its length before it. */
export function frame(message: Uint8Array): Uint8Array {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(message.length, 0);
  return Buffer.concat([length, message]);
}
