import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Client, HandlerContext } from "@connectrpc/connect";
import { GreetService } from "../../gen/greet/v1/greet_pb.ts";
import { component, createMesh, implement, memory } from "../../src/index.ts";
import type { Mesh } from "../../src/index.ts";
import { until } from "../../src/testing/until.ts";
import { failure } from "../support/outcome.ts";

let host: Mesh;
let guest: Mesh;
let last: HandlerContext | undefined;

async function* names(...all: readonly string[]): AsyncGenerator<{ name: string }> {
  for (const name of all) yield { name };
}

beforeAll(async () => {
  const registry = memory();
  const greeter = component({
    name: "greeter",
    services: [
      implement(GreetService, {
        greet: ({ name }, context) => {
          context.responseHeader.set("x-head", "1");
          context.responseTrailer.set("x-tail", "2");
          return { message: `hello ${name}` };
        },
        async *greetMany({ count }, context) {
          last = context;
          context.responseHeader.set("x-head", "1");
          for (let index = 1; index <= count; index++) yield { index };
          context.responseTrailer.set("x-tail", "2");
          if (count === 1000) await new Promise(() => {});
        },
        async *chat(requests, context) {
          last = context;
          for await (const { name } of requests) yield { message: name };
        },
        async collect(requests) {
          const all: string[] = [];
          for await (const { name } of requests) all.push(name);
          if (all.includes("bad")) throw new ConnectError("no", Code.OutOfRange);
          return { message: all.join("+") };
        },
      }),
    ],
  });
  host = createMesh({ registry, components: [greeter], listen: {}, drain: { drainDelayMs: 0 } });
  await host.start();
  guest = createMesh({ registry });
});

afterAll(async () => {
  await guest.close();
  await host.close();
});

describe.each(["protobuf", "json", "grpc", "grpc-web", "local"])("a client over %s", (channel) => {
  let greet: Client<typeof GreetService>;
  beforeAll(() => {
    greet = (channel === "local" ? host : guest).client(GreetService, { channel });
  });

  test("hands over headers and trailers of every kind of call", async () => {
    const heard: string[] = [];
    const options = {
      onHeader: (header: Headers) => heard.push(`head ${header.get("x-head")}`),
      onTrailer: (trailer: Headers) => heard.push(`tail ${trailer.get("x-tail")}`),
    };
    await greet.greet({ name: "Ada" }, options);
    for await (const { index } of greet.greetMany({ count: 2 }, options)) heard.push(`message ${index}`);
    expect(heard).toEqual(["head 1", "tail 2", "head 1", "message 1", "message 2", "tail 2"]);
  });

  test("gives the only answer of a client stream, or its error", async () => {
    expect((await greet.collect(names("a", "b"))).message).toBe("a+b");
    expect((await failure(greet.collect(names("bad")))).code).toBe(Code.OutOfRange);
  });

  test("cancels the call when its reader leaves early, on both sides", async () => {
    last = undefined;
    for await (const { index } of greet.greetMany({ count: 1000 })) if (index === 3) break;
    await until(() => last?.signal.aborted, { what: "the handler's signal" });
    last = undefined;
    let ended = false;
    async function* endless(): AsyncGenerator<{ name: string }> {
      try {
        for (let at = 0; ; at++) {
          yield { name: String(at) };
          await new Promise((resolve) => setImmediate(resolve));
        }
      } finally {
        ended = true;
      }
    }
    for await (const { message } of greet.chat(endless())) if (message === "5") break;
    await until(() => last?.signal.aborted && ended, { what: "the end of both sides" });
  });

  test("ends when its reader leaves before anything came", async () => {
    last = undefined;
    const answers = greet.greetMany({ count: 1000 })[Symbol.asyncIterator]();
    await answers.return?.();
    expect(await answers.next()).toEqual({ done: true, value: undefined });
  });
});
