import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { Code } from "@connectrpc/connect";
import { afterEach, describe, expect, test } from "vitest";
import { GreetService } from "../../gen/greet/v1/greet_pb.ts";
import { createMesh, grpc, grpcWeb, json, msgpack, protobuf, reasonOf, staticRegistry } from "../../src/index.ts";
import { startMesh } from "../support/mesh.ts";
import { all, failure } from "../support/outcome.ts";
import { Stubborn } from "../support/stubborn.ts";
import { nothingUnhandled } from "../support/unhandled.ts";

nothingUnhandled();

const closing: Array<() => unknown> = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** An instance that sends one message and then nothing more, whatever the deadline says. */
async function silent(message: Uint8Array): Promise<string> {
  const server = createServer();
  server.on("stream", (stream, headers) => {
    stream.on("error", () => {});
    stream.respond({ ":status": 200, "content-type": headers["content-type"] });
    stream.write(Buffer.concat([Buffer.from([0, 0, 0, 0, message.byteLength]), message]));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  closing.push(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function* once(): AsyncIterable<{ name: string }> {
  yield { name: "x" };
  await new Promise<never>(() => {});
}

describe("an ended deadline has a reason", () => {
  test.each([
    ["protobuf", protobuf(), ""],
    ["grpc", grpc(), ""],
    ["grpc-web", grpcWeb(), ""],
    ["json", json(), "{}"],
    ["msgpack", msgpack(), "\x80"],
  ] as const)("for streams whose answer has begun: %s", async (_, channel, message) => {
    const address = await silent(Buffer.from(message, "latin1"));
    const mesh = createMesh({
      registry: staticRegistry({ greeter: [{ channels: { [channel.name]: address } }] }),
      channels: [channel],
    });
    closing.push(() => mesh.close());
    const greet = mesh.client(GreetService, { channel: channel.name });
    const streams: ReadonlyArray<AsyncIterable<unknown>> = [
      greet.greetMany({}, { timeoutMs: 100 }),
      greet.chat(once(), { timeoutMs: 100 }),
    ];
    for (const answers of streams) {
      const error = await failure(all(answers));
      expect(error.code).toBe(Code.DeadlineExceeded);
      expect(reasonOf(error)).toBe("DEADLINE_EXCEEDED");
      expect(error.rawMessage).toBe("the stream did not end within 100 ms");
    }
  });

  test.each([true, false])("for calls within the process, by the short way: %s", async (fastPath) => {
    const handler = new Stubborn();
    const { mesh } = await startMesh({ components: [handler.component], fastPath, drain: { graceMs: 0 } });
    closing.push(() => mesh.close(), () => {
      handler.open();
    });
    const greet = mesh.client(GreetService);
    const plain = () => failure(greet.greet({}, { timeoutMs: 20 }));
    const around = mesh.client(GreetService, { interceptors: [(next) => (req) => next(req)] });
    const wrapped = () => failure(around.greet({}, { timeoutMs: 20 }));
    const stream = () => failure(all(greet.greetMany({ count: 2, pause: { seconds: 300n, nanos: 0 } }, { timeoutMs: 20 })));
    // Caller and handler end at the same time: often either is first.
    for (let at = 0; at < 5; at++) {
      for (const error of await Promise.all([plain(), wrapped(), stream()])) {
        expect(error.code).toBe(Code.DeadlineExceeded);
        expect(reasonOf(error)).toBe("DEADLINE_EXCEEDED");
        expect(error.rawMessage).toMatch(/^the (call was not answered|stream did not end) within 20 ms$/);
      }
    }
  });
});
