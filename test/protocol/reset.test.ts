import { once } from "node:events";
import { constants, createServer } from "node:http2";
import type { ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { Code } from "@connectrpc/connect";
import { describe, expect, onTestFinished, test } from "vitest";
import { GreetService } from "../../gen/greet/v1/greet_pb.ts";
import { component, createMesh, implement, memory, progressOf, staticRegistry } from "../../src/index.ts";
import { until } from "../../src/testing/until.ts";
import { startMesh } from "../support/mesh.ts";
import { all, failure } from "../support/outcome.ts";

/** A client of a server that answers each request with this. */
async function clientOf(answer: (stream: ServerHttp2Stream) => void) {
  const server = createServer();
  server.on("stream", (stream) => {
    stream.on("error", () => {});
    // Collect reads its whole upload before it is answered.
    stream.resume().once("end", () => { answer(stream); });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const mesh = createMesh({ registry: staticRegistry({ greeter: [`http://127.0.0.1:${port}`] }) });
  onTestFinished(async () => {
    await mesh.close();
    server.close();
  });
  return mesh.client(GreetService);
}

/** Resets before the end of the answer: a write under way keeps Node from ending it first. */
function reset(stream: ServerHttp2Stream, code: number): void {
  setImmediate(() => {
    stream.write(Buffer.alloc(0));
    stream.close(code);
  });
}

async function* oneName() {
  yield { name: "Ada" };
}

describe("a request that the server resets", () => {
  test.each([
    ["PROTOCOL_ERROR", Code.Internal, undefined],
    ["INTERNAL_ERROR", Code.Internal, undefined],
    ["CANCEL", Code.Canceled, undefined],
    ["ENHANCE_YOUR_CALM", Code.ResourceExhausted, undefined],
    ["INADEQUATE_SECURITY", Code.PermissionDenied, undefined],
    ["REFUSED_STREAM", Code.Unavailable, "refused"],
  ] as const)("with %s fails with the code that gRPC gives it", async (name, code, progress) => {
    const answers: ReadonlyArray<(stream: ServerHttp2Stream) => void> = [
      (stream) => { stream.close(constants[`NGHTTP2_${name}`]); },
      (stream) => {
        stream.respond({ ":status": 200, "content-type": "application/connect+proto" });
        reset(stream, constants[`NGHTTP2_${name}`]);
      },
    ];
    for (const answer of answers) {
      const greet = await clientOf(answer);
      const error = await failure(greet.collect(oneName()));
      expect([Code[error.code], progressOf(error)]).toEqual([Code[code], progress]);
    }
  });

  test("with NO_ERROR before the whole answer came is unavailable", async () => {
    const greet = await clientOf((stream) => {
      stream.respond({ ":status": 200, "content-type": "application/proto", "content-length": 100 });
      stream.write("\u000a\u0004half");
      setTimeout(() => { reset(stream, constants.NGHTTP2_NO_ERROR); }, 20);
    });
    const error = await failure(greet.greet({}));
    expect([error.code, progressOf(error)]).toEqual([Code.Unavailable, "sent"]);
  });
});

describe("an upload that its client breaks off", () => {
  test.each(["protobuf", "json", "grpc", "grpc-web"])("over %s is not taken for one that has finished", async (channel) => {
    const events: string[] = [];
    async function* read(requests: AsyncIterable<{ readonly name: string }>) {
      try {
        for await (const { name } of requests) {
          events.push(name);
          yield { message: name };
        }
        events.push("finished");
      } catch {
        events.push("broken off");
      }
    }
    const collect = async (requests: AsyncIterable<{ readonly name: string }>) => {
      const answers = await all(read(requests));
      return { count: answers.length };
    };
    const greeter = component({
      name: "greeter",
      services: [implement(GreetService, { collect, chat: read }, { partial: true })],
    });
    const registry = memory();
    await using _server = await startMesh({ registry, components: [greeter] });
    await using caller = await startMesh({ registry, components: [], listen: undefined });
    const greet = caller.mesh.client(GreetService, { channel });

    const broken = greet.collect(
      (async function* () {
        yield { name: "Ada" };
        await until(() => events.length === 1);
        throw new Error("no more names");
      })(),
    );
    expect((await failure(broken)).rawMessage).toBe("no more names");
    await until(() => events.length === 2);

    const stop = new AbortController();
    const canceled = greet.collect(
      (async function* () {
        yield { name: "Grace" };
        await until(() => events.length === 3);
        stop.abort();
        await delay(60_000, undefined, { ref: false });
      })(),
      { signal: stop.signal },
    );
    expect((await failure(canceled)).code).toBe(Code.Canceled);
    await until(() => events.length === 4);

    // Here in the middle of what the connection has to say.
    const leave = new AbortController();
    const chat = greet.chat(
      (async function* () {
        yield { name: "Joan" };
        await delay(60_000, undefined, { ref: false });
      })(),
      { signal: leave.signal },
    );
    const left = (async () => {
      for await (const { message } of chat) {
        expect(message).toBe("Joan");
        leave.abort();
      }
    })();
    expect((await failure(left)).code).toBe(Code.Canceled);
    await until(() => events.length === 6);
    const off = "broken off";
    expect(events).toEqual(["Ada", off, "Grace", off, "Joan", off]);
  });
});
