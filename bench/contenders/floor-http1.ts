// The floor over HTTP/1.1: bare node:http and undici with a codec, and nothing else.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Pool } from "undici";
import type { Codec } from "../../src/codec/codec.ts";
import { messages } from "../messages.ts";
import type { Contender } from "../contender.ts";

/** Bare HTTP/1.1 with a codec on both ends. */
export function floorHttp1(codec: Codec): Contender {
  const compiled = new Map(messages.map(({ name, desc }) => [name, codec.compile(desc)]));
  const of = (name: string) => {
    const found = compiled.get(name);
    if (found === undefined) throw new Error(`no message ${name}`);
    return found;
  };
  return {
    name: `floor http/1.1 ${codec.name}`,
    serve() {
      const server = createServer((req, res) => {
        const { encode, decode } = of((req.url ?? "").slice(1));
        const chunks: Buffer[] = [];
        req.on("data", (chunk: Buffer) => chunks.push(chunk));
        req.on("end", () => {
          const [only] = chunks;
          const bytes = encode(decode(chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks)));
          res.writeHead(200, { "content-type": "application/octet-stream", "content-length": bytes.byteLength });
          res.end(bytes);
        });
      });
      return new Promise((resolve) => {
        server.listen(0, "127.0.0.1", () => {
          resolve({
            address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
            close: () => new Promise((done) => { server.close(() => { done(); }); server.closeAllConnections(); }),
          });
        });
      });
    },
    connect(address) {
      const pool = new Pool(address, { connections: 64, pipelining: 1 });
      return Promise.resolve({
        unary({ name, message }) {
          const { encode, decode } = of(name);
          const headers = { "content-type": "application/octet-stream" };
          return async () => {
            const { body } = await pool.request({ path: `/${name}`, method: "POST", headers, body: encode(message) });
            return decode(new Uint8Array(await body.arrayBuffer()));
          };
        },
        close: () => pool.close(),
      });
    },
  };
}
