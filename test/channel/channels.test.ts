import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Client, HandlerContext } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { GreetService } from "../../gen/greet/v1/greet_pb.ts";
import { BadRequestSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { component, createMesh, implement, instanceId, memory, reasonOf, subscribe } from "../../src/index.ts";
import type { Mesh } from "../../src/index.ts";
import { until } from "../../src/testing/until.ts";
import { rule, withRules } from "../support/rest-rule.ts";

const channels = ["protobuf", "json", "msgpack", "grpc", "grpc-web", "rest", "local"] as const;

/** The demo's contract with REST rules that can carry any message, one for each method that REST can. */
const service = withRules(GreetService, {
  Greet: rule("POST", "/v1/greet", { body: "*" }),
  GreetMany: rule("GET", "/v1/greet:many"),
  Collect: rule("POST", "/v1/greet:collect", { body: "*" }),
});

/** The context of the handler that ran last, for tests that look at the server's side. */
let lastContext: HandlerContext | undefined;
const serverSaw: string[] = [];
let host: Mesh;
let guest: Mesh;

async function* names(...all: readonly string[]): AsyncGenerator<{ name: string }> {
  for (const name of all) yield { name };
}

async function all<T>(messages: AsyncIterable<T>): Promise<readonly T[]> {
  const seen: T[] = [];
  for await (const message of messages) seen.push(message);
  return seen;
}

async function failure(promise: Promise<unknown>): Promise<ConnectError> {
  return promise.then(
    () => {
      throw new Error("the call did not fail");
    },
    (error: unknown) => ConnectError.from(error),
  );
}

const greeter = component({
  name: "greeter",
  interceptors: [
    (next) => (req) => {
      serverSaw.push(req.method.name);
      return next(req);
    },
  ],
  services: [
    implement(service, {
      async greet({ name }, context) {
        lastContext = context;
        context.responseHeader.set("x-answer", context.requestHeader.get("x-question") ?? "none");
        context.responseTrailer.set("x-last", "trailer");
        if (name === "hang") await new Promise(() => {});
        if (name === "throw") throw new TypeError("secret of the database");
        if (name === "refuse") {
          const value = create(BadRequestSchema, {
            fieldViolations: [{ field: "name", description: "not this one" }],
          });
          throw new ConnectError("bad name", Code.InvalidArgument, { "x-why": "taste" }, [
            { desc: BadRequestSchema, value },
          ]);
        }
        if (name === "timeout") return { message: String(context.timeoutMs()) };
        return { message: `hello ${name}`, instance: context.values.get(instanceId) };
      },
      async *greetMany({ name, count }, context) {
        lastContext = context;
        context.responseHeader.set("x-answer", "many");
        for (let index = 1; index <= count; index++) yield { message: name, index };
        if (name === "refuse") throw new ConnectError("enough", Code.ResourceExhausted);
        if (name === "throw") throw new TypeError("secret of the database");
        if (name === "hang") await new Promise(() => {});
      },
      async *chat(requests) {
        for await (const { name } of requests) yield { message: `hello ${name}` };
      },
      async collect(requests) {
        const all: string[] = [];
        for await (const { name } of requests) all.push(name);
        return { message: all.join("+"), count: all.length };
      },
    }),
  ],
});

beforeAll(async () => {
  const registry = memory();
  host = createMesh({ registry, components: [greeter], listen: {}, drain: { drainDelayMs: 0 } });
  await host.start();
  guest = createMesh({ registry });
});

afterAll(async () => {
  await guest.close();
  await host.close();
});

describe.each(channels)("the channel %s", (channel) => {
  let greet: Client<typeof GreetService>;
  beforeAll(() => {
    greet = (channel === "local" ? host : guest).client(service, { channel });
  });

  test("answers a unary call, with the id of the instance", async () => {
    const answer = await greet.greet({ name: "Ada" });
    expect(answer.message).toBe("hello Ada");
    expect(answer.instance).toBe(host.instanceId(greeter));
  });

  test("carries headers and trailers both ways", async () => {
    let header: Headers | undefined;
    let trailer: Headers | undefined;
    await greet.greet(
      { name: "Ada" },
      { headers: { "x-question": "why" }, onHeader: (h) => (header = h), onTrailer: (t) => (trailer = t) },
    );
    expect(header?.get("x-answer")).toBe("why");
    expect(trailer?.get("x-last")).toBe("trailer");
  });

  test("streams from the server", async () => {
    const seen: number[] = [];
    let header: Headers | undefined;
    for await (const { index } of greet.greetMany(
      { name: "x", count: 300 },
      { onHeader: (h) => (header = h) },
    )) {
      seen.push(index);
    }
    expect(seen).toEqual(Array.from({ length: 300 }, (_, at) => at + 1));
    expect(header?.get("x-answer")).toBe("many");
  });

  test("streams from the client", async () => {
    expect(await greet.collect(names("a", "b", "c"))).toMatchObject({ message: "a+b+c", count: 3 });
  });

  test.runIf(channel === "rest")("says that it cannot stream both ways", async () => {
    const error = await failure(all(greet.chat(names("a"))));
    expect([error.code, error.rawMessage]).toEqual([
      Code.Unimplemented,
      "greet.v1.GreetService.Chat cannot be called over rest: it streams in both directions, which REST cannot carry; use another channel",
    ]);
  });

  test.skipIf(channel === "rest")("streams both ways, each answer before the next question", async () => {
    const seen: string[] = [];
    let answered: (() => void) | undefined;
    async function* turns() {
      for (const name of ["a", "b", "c"]) {
        yield { name };
        await new Promise<void>((resolve) => (answered = resolve));
      }
    }
    for await (const { message } of greet.chat(turns())) {
      seen.push(message);
      answered?.();
    }
    expect(seen).toEqual(["hello a", "hello b", "hello c"]);
  });

  test("ends streams without messages", async () => {
    expect(await all(greet.greetMany({ count: 0 }))).toEqual([]);
    expect((await greet.collect(names())).count).toBe(0);
  });

  test("hands over errors with code, message, details and metadata", async () => {
    const error = await failure(greet.greet({ name: "refuse" }));
    expect([error.code, error.rawMessage]).toEqual([Code.InvalidArgument, "bad name"]);
    expect(error.metadata.get("x-why")).toBe("taste");
    expect(error.findDetails(BadRequestSchema)[0]?.fieldViolations[0]).toMatchObject({
      field: "name",
      description: "not this one",
    });
  });

  test("hides what an implementation throws, and publishes it", async () => {
    const hidden: unknown[] = [];
    const end = subscribe("handler.error", ({ error }) => hidden.push(error));
    const error = await failure(greet.greet({ name: "throw" }));
    const later = await failure(all(greet.greetMany({ name: "throw", count: 1 })));
    end();
    for (const seen of [error, later]) {
      expect([seen.code, seen.rawMessage]).toEqual([Code.Internal, "internal error"]);
      expect(JSON.stringify(seen.details)).not.toContain("secret");
    }
    expect(hidden.map(String)).toEqual(Array(2).fill("TypeError: secret of the database"));
  });

  test("hands over an error after messages", async () => {
    const seen: number[] = [];
    const error = await failure(
      (async () => {
        for await (const { index } of greet.greetMany({ name: "refuse", count: 2 })) seen.push(index);
      })(),
    );
    expect([seen, error.code, error.rawMessage]).toEqual([[1, 2], Code.ResourceExhausted, "enough"]);
  });

  test("tells the handler how much time is left", async () => {
    const left = Number((await greet.greet({ name: "timeout" }, { timeoutMs: 1_234 })).message);
    expect(left).toBeLessThanOrEqual(1_234);
    expect(left).toBeGreaterThan(0);
    const ofContract = Number((await greet.greet({ name: "timeout" })).message);
    expect(ofContract).toBeLessThanOrEqual(5_000);
    expect(ofContract).toBeGreaterThan(1_234);
  });

  test("ends at the deadline, on both sides, whatever the handler does", async () => {
    const error = await failure(greet.greet({ name: "hang" }, { timeoutMs: 60 }));
    expect(error.code).toBe(Code.DeadlineExceeded);
    await until(() => lastContext?.signal.aborted);
    const seen: number[] = [];
    const streamed = await failure(
      (async () => {
        for await (const { index } of greet.greetMany({ name: "hang", count: 2 }, { timeoutMs: 200 })) {
          seen.push(index);
        }
      })(),
    );
    expect([seen, streamed.code]).toEqual([[1, 2], Code.DeadlineExceeded]);
    await until(() => lastContext?.signal.aborted);
  });

  test("ends when the caller cancels, on both sides", async () => {
    lastContext = undefined;
    const stop = new AbortController();
    const running = failure(greet.greet({ name: "hang" }, { signal: stop.signal }));
    await until(() => lastContext);
    stop.abort();
    expect((await running).code).toBe(Code.Canceled);
    await until(() => lastContext?.signal.aborted);
  });

  test("carries messages of a megabyte", async () => {
    const name = "x".repeat(1_000_000);
    expect((await greet.greet({ name })).message).toHaveLength(1_000_006);
  });

  test("calls of a service that is not implemented there are unimplemented", async () => {
    // The same path, but a method that the host's descriptor does not have.
    const { Health } = await import("../../gen/grpc/health/v1/health_pb.ts");
    const health = (channel === "local" ? host : guest).client(Health, {
      channel,
      waitForReady: false,
    });
    const answer = await health.check({ service: "nobody.Knows" }).catch((error: unknown) => error);
    if (channel === "local") expect((answer as ConnectError).code).toBe(Code.NotFound);
    // Health belongs to no component, so the registry does not list it.
    else expect(reasonOf(answer)).toBe("NO_INSTANCE");
  });

  test("runs the component's interceptors", async () => {
    serverSaw.length = 0;
    await greet.greet({ name: "Ada" });
    await greet.collect(names("a"));
    expect(serverSaw).toEqual(["Greet", "Collect"]);
  });
});

describe("the choice of a channel", () => {
  test("is local where the service is hosted, and protobuf elsewhere", async () => {
    const protocol = async (mesh: Mesh): Promise<string | undefined> => {
      await mesh.client(GreetService).greet({ name: "Ada" });
      return lastContext?.protocolName;
    };
    expect(await protocol(host)).toBe("local");
    expect(await protocol(guest)).toBe("connect");
  });

  test("local hands messages over as they are", async () => {
    const greet = host.client(GreetService);
    await greet.greet({ name: "Ada" });
    expect(lastContext?.requestHeader.get("content-type")).toBeNull();
  });
});
