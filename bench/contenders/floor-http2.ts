// The floor over HTTP/2: Node's core API with a codec, and nothing else.
import { connect, createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import type { Codec } from "../../src/codec/codec.ts";
import { messages } from "../messages.ts";
import type { Contender } from "../contender.ts";

/** In megabytes: Node's own 10 are too few for 256 messages of 64 kB at once, and it then resets streams. */
const maxSessionMemory = 256;

/** Bare HTTP/2 with a codec on both ends, one connection. */
export function floorHttp2(codec: Codec): Contender {
  const compiled = new Map(messages.map(({ name, desc }) => [name, codec.compile(desc)]));
  const of = (name: string) => {
    const found = compiled.get(name);
    if (found === undefined) throw new Error(`no message ${name}`);
    return found;
  };
  return {
    name: `floor http/2 ${codec.name}`,
    serve() {
      const server = createServer({ maxSessionMemory });
      server.on("stream", (stream, headers) => {
        // The client hears of it as well.
        stream.on("error", () => {});
        const { encode, decode } = of(String(headers[":path"]).slice(1));
        const chunks: Buffer[] = [];
        stream.on("data", (chunk: Buffer) => chunks.push(chunk));
        stream.on("end", () => {
          const [only] = chunks;
          const bytes = encode(decode(chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks)));
          stream.respond({ ":status": 200, "content-type": "application/octet-stream" });
          stream.end(bytes);
        });
      });
      return new Promise((resolve) => {
        server.listen(0, "127.0.0.1", () => {
          resolve({
            address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
            close: () => { server.close(); return Promise.resolve(); },
          });
        });
      });
    },
    connect(address) {
      const session = connect(address, { maxSessionMemory });
      return Promise.resolve({
        unary({ name, message }) {
          const { encode, decode } = of(name);
          return () =>
            new Promise((resolve, reject) => {
              const stream = session.request({
                ":method": "POST",
                ":path": `/${name}`,
                "content-type": "application/octet-stream",
              });
              const chunks: Buffer[] = [];
              stream.on("data", (chunk: Buffer) => chunks.push(chunk));
              stream.on("end", () => {
                const [only] = chunks;
                resolve(decode(chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks)));
              });
              stream.on("error", reject);
              stream.end(encode(message));
            });
        },
        close: () => new Promise((done) => { session.close(() => { done(); }); }),
      });
    },
  };
}
