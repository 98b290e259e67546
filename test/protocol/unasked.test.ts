import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { create, toBinary, toJsonString } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, describe, expect, test } from "vitest";
import { GreetResponseSchema, GreetService } from "../../gen/greet/v1/greet_pb.ts";
import { createMesh, staticRegistry } from "../../src/index.ts";
import { until } from "../../src/testing/until.ts";

const closing: Array<() => unknown> = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const hello = create(GreetResponseSchema, { message: "hello" });

/** A server that answers everything with the same headers, body and trailers. */
async function answering(
  headers: Record<string, string>,
  body: Uint8Array,
  trailers?: Record<string, string>,
): Promise<string> {
  const server = createServer();
  server.on("stream", (stream) => {
    stream.on("error", () => {});
    stream.resume();
    stream.respond({ ":status": 200, ...headers }, { waitForTrailers: trailers !== undefined });
    if (trailers !== undefined) stream.on("wantTrailers", () => { stream.sendTrailers(trailers); });
    stream.end(body);
  });
  server.listen(0, "127.0.0.1");
  closing.push(() => server.close());
  await until(() => server.listening);
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function greet(address: string, channel: string): Promise<string> {
  const mesh = createMesh({ registry: staticRegistry({ greeter: [address] }, { channels: [channel] }) });
  closing.push(() => mesh.close());
  return mesh
    .client(GreetService, { channel, retry: false })
    .greet({ name: "Ada" })
    .then(
      ({ message }) => message,
      (error: unknown) => Code[ConnectError.from(error).code],
    );
}

describe("an answer that is compressed although nobody asked", () => {
  test.each([
    ["protobuf", "application/proto", toBinary(GreetResponseSchema, hello)],
    ["json", "application/json", Buffer.from(toJsonString(GreetResponseSchema, hello))],
    ["rest", "application/json", Buffer.from(toJsonString(GreetResponseSchema, hello))],
  ])("is read all the same over %s", async (channel, type, body) => {
    const address = await answering({ "content-type": type, "content-encoding": "gzip" }, gzipSync(body));
    expect(await greet(address, channel)).toBe("hello");
  });

  test("is refused over gRPC, where the encoding was not offered", async () => {
    const bytes = gzipSync(toBinary(GreetResponseSchema, hello));
    const body = Buffer.concat([Buffer.from([1, 0, 0, 0, bytes.length]), bytes]);
    const headers = { "content-type": "application/grpc+proto", "grpc-encoding": "gzip" };
    expect(await greet(await answering(headers, body, { "grpc-status": "0" }), "grpc")).toBe("Internal");
  });
});

describe("a gRPC answer", () => {
  const bytes = toBinary(GreetResponseSchema, hello);
  const body = Buffer.concat([Buffer.from([0, 0, 0, 0, bytes.length]), bytes]);
  const headers = { "content-type": "application/grpc+proto" };

  test("with the status 0 is a success", async () => {
    expect(await greet(await answering(headers, body, { "grpc-status": "0" }), "grpc")).toBe("hello");
  });

  test("with another status is an error, whatever message came before", async () => {
    expect(await greet(await answering(headers, body, { "grpc-status": "9" }), "grpc")).toBe("FailedPrecondition");
  });

  test("without a status is an error", async () => {
    expect(await greet(await answering(headers, body, { other: "1" }), "grpc")).toBe("Internal");
  });
});
