// What gRPC's form of a message costs by itself: the floor over HTTP/2, with
// five bytes before each message and trailers after each answer.
import { connect, createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { protobufCodec } from "../../src/codec/protobuf.ts";
import { messages } from "../messages.ts";
import type { Contender } from "../contender.ts";

/** In megabytes, as in the floor without trailers. */
const maxSessionMemory = 256;

const prefixBytes = 5;

function enveloped(bytes: Uint8Array): Buffer {
  const all = Buffer.allocUnsafe(prefixBytes + bytes.length);
  all[0] = 0;
  all.writeUInt32BE(bytes.length, 1);
  all.set(bytes, prefixBytes);
  return all;
}

function opened(chunks: readonly Buffer[]): Buffer {
  const [only] = chunks;
  return (chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks)).subarray(prefixBytes);
}

/** Bare HTTP/2 that carries protobuf as gRPC does, one connection. */
export function floorGrpc(): Contender {
  const compiled = new Map(messages.map(({ name, desc }) => [name, protobufCodec.compile(desc)]));
  const of = (name: string) => {
    const found = compiled.get(name);
    if (found === undefined) throw new Error(`no message ${name}`);
    return found;
  };
  return {
    name: "floor http/2 grpc",
    serve() {
      const server = createServer({ maxSessionMemory });
      server.on("stream", (stream, headers) => {
        // The client hears of it as well.
        stream.on("error", () => {});
        const { encode, decode } = of(String(headers[":path"]).slice(1));
        const chunks: Buffer[] = [];
        stream.on("data", (chunk: Buffer) => chunks.push(chunk));
        stream.on("end", () => {
          const bytes = enveloped(encode(decode(opened(chunks))));
          stream.on("wantTrailers", () => { stream.sendTrailers({ "grpc-status": "0" }); });
          stream.respond({ ":status": 200, "content-type": "application/grpc+proto" }, { waitForTrailers: true });
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
                "content-type": "application/grpc+proto",
                te: "trailers",
              });
              const chunks: Buffer[] = [];
              let status: unknown;
              stream.on("trailers", (trailers) => { status = trailers["grpc-status"]; });
              stream.on("data", (chunk: Buffer) => chunks.push(chunk));
              stream.on("end", () => {
                if (status === "0") resolve(decode(opened(chunks)));
                else reject(new Error(`grpc-status ${String(status)}`));
              });
              stream.on("error", reject);
              stream.end(enveloped(encode(message)));
            });
        },
        close: () => new Promise((done) => { session.close(() => { done(); }); }),
      });
    },
  };
}
