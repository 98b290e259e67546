import { connect } from "node:http2";
import type {
  ClientHttp2Session,
  ClientHttp2Stream,
  ClientSessionOptions,
  IncomingHttpHeaders,
  OutgoingHttpHeaders,
} from "node:http2";

/** All that came back on one HTTP/2 stream. */
export interface RawAnswer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The body as JSON; undefined when it is none. */
  readonly json: { readonly code?: string; readonly message?: string } | undefined;
  /** The code of the reset that ended the stream; 0 when it ended well. */
  readonly reset: number | undefined;
}

/** HTTP/2 without any RPC library, for requests that no library makes. Disposing ends the connection. */
export class RawHttp2 implements Disposable {
  readonly session: ClientHttp2Session;

  constructor(address: string, options: ClientSessionOptions = {}) {
    this.session = connect(address, options);
    this.session.on("error", () => {
      // Streams tell.
    });
  }

  /** Sends a POST, or what `:method` says, and returns the open stream. */
  open(path: string, headers: OutgoingHttpHeaders = {}): ClientHttp2Stream {
    const stream = this.session.request(
      { ":method": "POST", ":path": path, ...headers },
      { endStream: false },
    );
    stream.on("error", () => {
      // Its reset code tells.
    });
    return stream;
  }

  /** Sends a request with its body and waits for the answer. */
  call(
    path: string,
    headers: OutgoingHttpHeaders,
    ...body: ReadonlyArray<Uint8Array | string>
  ): Promise<RawAnswer> {
    const stream = this.open(path, headers);
    const done = answer(stream);
    for (const chunk of body) stream.write(chunk);
    stream.end();
    return done;
  }

  [Symbol.dispose](): void {
    this.session.destroy();
  }
}

/** Waits until a stream has closed and returns what came. */
export function answer(stream: ClientHttp2Stream): Promise<RawAnswer> {
  let headers: IncomingHttpHeaders & { ":status"?: number | undefined } = {};
  let trailers: IncomingHttpHeaders = {};
  const chunks: Buffer[] = [];
  stream.on("response", (received) => (headers = received));
  stream.on("trailers", (received) => (trailers = received));
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  return new Promise((resolve) => {
    stream.once("close", () => {
      const body = Buffer.concat(chunks);
      resolve({
        status: headers[":status"],
        headers,
        trailers,
        body,
        json: parse(body),
        reset: stream.rstCode,
      });
    });
  });
}

/** A message in the frame of gRPC and of Connect's streams: a flag, a length, the bytes. */
export function envelope(message: Uint8Array | string, flags: number = 0): Buffer {
  const bytes = Buffer.from(message);
  const head = Buffer.alloc(5);
  head.writeUInt8(flags, 0);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

function parse(body: Buffer): RawAnswer["json"] {
  try {
    return JSON.parse(body.toString()) as RawAnswer["json"];
  } catch {
    return undefined;
  }
}
