import { constants, createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { Code } from "@connectrpc/connect";
import { afterEach, expect, test } from "vitest";
import { http2Client } from "../../src/protocol/http2-client.ts";
import { Http2Connection } from "../../src/protocol/http2-connection.ts";
import { failure } from "../support/outcome.ts";

const closing: Array<() => unknown> = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

test.each([
  ["application/proto", "connect-timeout-ms", "100", 150, Code.DeadlineExceeded],
  ["application/grpc", "grpc-timeout", "100m", 150, Code.DeadlineExceeded],
  ["application/grpc", "grpc-timeout", "10S", 0, Code.Canceled],
  ["application/grpc", "x-other", "100m", 150, Code.Canceled],
])(
  "a server that cancels %s with %s %s after %i ms ends it with code %i",
  async (type, name, value, afterMs, code) => {
    const server = createServer();
    server.on("stream", (stream) => {
      setTimeout(() => {
        stream.close(constants.NGHTTP2_CANCEL);
      }, afterMs);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    closing.push(() => server.close());
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const connection = new Http2Connection(address, { connectTimeoutMs: 5_000, onLost: () => {} });
    closing.push(() => connection.close());
    const header = new Headers({ "content-type": type, [name]: value });
    const call = http2Client(connection)({ url: `${address}/x`, method: "POST", header });
    expect((await failure(call)).code).toBe(code);
  },
);
