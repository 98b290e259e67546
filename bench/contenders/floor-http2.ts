// The floor over HTTP/2: Node's core API with a codec, and nothing else; in
// gRPC's form, with five bytes before each message and trailers after it.
import { connect, createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import type { Codec } from "../../src/codec/codec.ts";
import { envelop, envelopeBytes } from "../../src/protocol/envelope.ts";
import { messages } from "../messages.ts";
import type { Contender } from "../contender.ts";

/** In megabytes: Node's own 10 are too few for 256 messages of 64 kB at once, and it then resets streams. */
const maxSessionMemory = 256;

/** How a message lies in a body. */
interface Form {
  readonly name: string;
  readonly trailers: boolean;
  readonly close: (bytes: Uint8Array) => Uint8Array;
  readonly open: (body: Buffer) => Uint8Array;
}

const grpc: Form = {
  name: "grpc",
  trailers: true,
  close: envelop,
  open: (body) => body.subarray(envelopeBytes),
};

/** The message is the body. */
function plain({ name }: Codec): Form {
  return { name, trailers: false, close: (bytes) => bytes, open: (body) => body };
}

/** gRPC's form with nothing else: what its trailers cost by themselves. */
export function floorGrpc(codec: Codec): Contender {
  return floorHttp2(codec, grpc);
}

/** Bare HTTP/2 with a codec on both ends, one connection. */
export function floorHttp2(codec: Codec, form: Form = plain(codec)): Contender {
  const compiled = new Map(messages.map(({ name, desc }) => [name, codec.compile(desc)]));
  const of = (name: string) => {
    const found = compiled.get(name);
    if (found === undefined) throw new Error(`no message ${name}`);
    return found;
  };
  return {
    name: `floor http/2 ${form.name}`,
    serve() {
      const server = createServer({ maxSessionMemory });
      server.on("stream", (stream, headers) => {
        // The client hears of it as well.
        stream.on("error", () => {});
        const { encode, decode } = of(String(headers[":path"]).slice(1));
        const chunks: Buffer[] = [];
        stream.on("data", (chunk: Buffer) => chunks.push(chunk));
        stream.on("end", () => {
          const bytes = form.close(encode(decode(form.open(whole(chunks)))));
          if (form.trailers) stream.on("wantTrailers", () => { stream.sendTrailers({ "grpc-status": "0" }); });
          stream.respond({ ":status": 200, "content-type": "application/octet-stream" }, { waitForTrailers: form.trailers });
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
              let ended = !form.trailers;
              if (form.trailers) stream.on("trailers", (trailers) => { ended = trailers["grpc-status"] === "0"; });
              stream.on("data", (chunk: Buffer) => chunks.push(chunk));
              stream.on("end", () => {
                if (ended) resolve(decode(form.open(whole(chunks))));
                else reject(new Error("the answer has no trailers"));
              });
              stream.on("error", reject);
              stream.end(form.close(encode(message)));
            });
        },
        close: () => new Promise((done) => { session.close(() => { done(); }); }),
      });
    },
  };
}

function whole(chunks: readonly Buffer[]): Buffer {
  const [only] = chunks;
  return chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks);
}
