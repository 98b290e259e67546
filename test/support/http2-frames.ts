import { until } from "../../src/testing/until.ts";
import { RawTcp } from "./raw-tcp.ts";

/** What every HTTP/2 connection begins with: the preface, and settings of nothing. */
const beginning: Buffer = Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frame(4, 0, 0)]);

/** A frame of HTTP/2 (RFC 9113, section 4.1). */
export function frame(type: number, flags: number, stream: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** HEADERS of a POST to a path. */
export function headers(stream: number, path: string, contentType: string, end: boolean): Buffer {
  const literal = (text: string): Buffer => Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]);
  const block = Buffer.concat([
    // `:method POST`, `:scheme http`, then `:path` and `:authority` and `content-type` by index (RFC 7541, appendix A).
    Buffer.from([0x83, 0x86, 0x04]),
    literal(path),
    Buffer.from([0x01]),
    literal("x"),
    Buffer.from([0x0f, 0x10]),
    literal(contentType),
  ]);
  return frame(1, end ? 5 : 4, stream, block);
}

/** RST_STREAM with CANCEL. */
export function reset(stream: number): Buffer {
  return frame(3, 0, stream, Buffer.from([0, 0, 0, 8]));
}

/** A connection that has sent its preface and settings. */
export function rawFrames(port: number): RawTcp {
  return new RawTcp(port).send(beginning);
}

/** The code and text of the first GOAWAY among what was received; undefined without one. */
export function goaway(received: string): readonly [code: number, text: string] | undefined {
  const bytes = Buffer.from(received, "latin1");
  for (let at = 0; at + 9 <= bytes.length; ) {
    const length = bytes.readUIntBE(at, 3);
    const payload = bytes.subarray(at + 9, at + 9 + length);
    if (bytes[at + 3] === 7) return [payload.readUInt32BE(4), payload.subarray(8).toString()];
    at += 9 + length;
  }
  return undefined;
}

/** Waits until the server has read what was sent, by the answer to a PING; false when it has closed instead. */
export async function answered(tcp: RawTcp): Promise<boolean> {
  const ack = frame(6, 1, 0, Buffer.from("12345678")).toString("latin1");
  tcp.send(frame(6, 0, 0, Buffer.from("12345678")));
  return Promise.race([until(() => tcp.received.includes(ack)), tcp.closed.then(() => false)]);
}
