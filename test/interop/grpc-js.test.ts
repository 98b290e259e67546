import { join } from "node:path";
import { credentials, loadPackageDefinition, status } from "@grpc/grpc-js";
import type {
  CallOptions,
  Client,
  ClientDuplexStream,
  ClientReadableStream,
  ClientWritableStream,
  GrpcObject,
  ServiceClientConstructor,
  ServiceError,
} from "@grpc/grpc-js";
import { load } from "@grpc/proto-loader";
import type { Interceptor } from "@connectrpc/connect";
import { afterAll, beforeAll, expect, test } from "vitest";
import { greeter } from "../../examples/greeter/greeter.ts";
import { until } from "../../src/testing/until.ts";
import { startMesh } from "../support/mesh.ts";
import type { StartedMesh } from "../support/mesh.ts";

interface Greeting {
  readonly message: string;
  readonly instance: string;
  readonly index?: number;
  readonly count?: number;
}

type Callback<T> = (error: ServiceError | null, answer?: T) => void;

/** What grpc-js makes of greet.v1.GreetService at run time. */
interface GreetClient extends Client {
  greet(request: object, options: CallOptions, callback: Callback<Greeting>): void;
  greetMany(request: object, options?: CallOptions): ClientReadableStream<Greeting>;
  chat(): ClientDuplexStream<object, Greeting>;
  collect(callback: Callback<Greeting>): ClientWritableStream<object>;
}

interface HealthAnswer {
  readonly status: string;
}

interface HealthClient extends Client {
  check(request: object, callback: Callback<HealthAnswer>): void;
  watch(request: object): ClientReadableStream<HealthAnswer>;
}

let server: StartedMesh;
let greet: GreetClient;
let health: HealthClient;
/** The signal of the handler of the last call. */
let signal: AbortSignal | undefined;

beforeAll(async () => {
  const watch: Interceptor = (next) => (request) => {
    ({ signal } = request);
    return next(request);
  };
  server = await startMesh({ components: [greeter({ interceptors: [watch] })] });
  const definition = await load(["greet/v1/greet.proto", "grpc/health/v1/health.proto"], {
    includeDirs: [join(import.meta.dirname, "../../proto")],
    defaults: true,
    enums: String,
  });
  const loaded = loadPackageDefinition(definition);
  greet = client(loaded, "greet", "v1", "GreetService") as GreetClient;
  health = client(loaded, "grpc", "health", "v1", "Health") as HealthClient;
});

afterAll(async () => {
  greet.close();
  health.close();
  await server.mesh.close();
});

function client(loaded: GrpcObject, ...path: readonly string[]): Client {
  let at: unknown = loaded;
  for (const name of path) at = (at as GrpcObject)[name];
  const Constructor = at as ServiceClientConstructor;
  const options = { "grpc.default_compression_algorithm": 2 };
  return new Constructor(server.address.slice("http://".length), credentials.createInsecure(), options);
}

/** A call that answers once, as a promise. */
function answer<T>(call: (callback: Callback<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, value) => {
      if (error === null && value !== undefined) resolve(value);
      else reject(error ?? new Error("neither error nor answer"));
    });
  });
}

async function all(stream: AsyncIterable<unknown>): Promise<readonly Greeting[]> {
  const list: Greeting[] = [];
  for await (const message of stream) list.push(message as Greeting);
  return list;
}

test("grpc-js makes a unary call", async () => {
  const greeting = await answer<Greeting>((done) => {
    greet.greet({ name: "Ada" }, {}, done);
  });
  expect(greeting).toEqual({ message: "hello Ada", instance: server.id });
});

test("grpc-js reads a stream", async () => {
  const greetings = await all(greet.greetMany({ name: "Ada", count: 3 }));
  expect(greetings.map(({ index, instance }) => [index, instance])).toEqual(
    [1, 2, 3].map((index) => [index, server.id]),
  );
});

test("grpc-js sends a stream", async () => {
  const collected = await answer<Greeting>((done) => {
    const call = greet.collect(done);
    call.write({ name: "Ada" });
    call.write({ name: "Grace" });
    call.end();
  });
  expect(collected).toEqual({ message: "hello Ada, Grace", count: 2, instance: server.id });
});

test("grpc-js streams both ways, each answer before the next question", async () => {
  const call = greet.chat();
  const answers = call[Symbol.asyncIterator]() as AsyncIterator<Greeting>;
  for (const name of ["Ada", "Grace"]) {
    call.write({ name });
    expect((await answers.next()).value).toMatchObject({ message: `hello ${name}` });
  }
  call.end();
  expect((await answers.next()).done).toBe(true);
});

test("grpc-js sends and reads compressed messages", async () => {
  const name = "Ada ".repeat(1_000);
  const greeting = await answer<Greeting>((done) => {
    greet.greet({ name }, {}, done);
  });
  expect(greeting.message).toBe(`hello ${name}`);
});

test("grpc-js reads the code and the message of an error", async () => {
  await expect(all(greet.greetMany({ count: 10_001 }))).rejects.toMatchObject({
    code: status.INVALID_ARGUMENT,
    details: "count is 10001; ask for 10000 greetings at most",
  });
});

test("grpc-js gets unimplemented for a method that is not there", async () => {
  const call = answer<Buffer>((done) => {
    greet.makeUnaryRequest("/greet.v1.GreetService/Nope", () => Buffer.alloc(0), (bytes) => bytes, {}, done);
  });
  await expect(call).rejects.toMatchObject({
    code: status.UNIMPLEMENTED,
    details: "no method at /greet.v1.GreetService/Nope; it has Greet, GreetMany, Chat, Collect",
  });
});

test("grpc-js gets resource_exhausted for a message over the limit", async () => {
  const call = answer<Greeting>((done) => {
    const name = Array.from({ length: 5 * 1024 * 1024 }, (_, at) => String.fromCharCode(97 + (at % 26))).join("");
    greet.greet({ name }, {}, done);
  });
  await expect(call).rejects.toMatchObject({ code: status.RESOURCE_EXHAUSTED });
});

test("grpc-js ends at its deadline, and the handler hears of it", async () => {
  const pause = { seconds: 30 };
  const call = greet.greetMany({ count: 2, pause }, { deadline: Date.now() + 200 });
  await expect(all(call)).rejects.toMatchObject({ code: status.DEADLINE_EXCEEDED });
  await until(() => signal?.aborted, { what: "the handler's signal" });
});

test("grpc-js cancels, and the handler hears of it", async () => {
  const call = greet.greetMany({ count: 2, pause: { seconds: 30 } });
  const ended = all(call);
  await new Promise((resolve) => call.once("data", resolve));
  const running = signal;
  expect(running?.aborted).toBe(false);
  call.cancel();
  await expect(ended).rejects.toMatchObject({ code: status.CANCELLED });
  await until(() => running?.aborted, { what: "the handler's signal" });
});

test("grpc-js checks and watches health", async () => {
  const service = "greet.v1.GreetService";
  const checked = await answer<HealthAnswer>((done) => {
    health.check({ service }, done);
  });
  expect(checked.status).toBe("SERVING");
  const unknown = answer<HealthAnswer>((done) => {
    health.check({ service: "none" }, done);
  });
  await expect(unknown).rejects.toMatchObject({ code: status.NOT_FOUND });

  await using other = await startMesh();
  const watcher = new (health.constructor as ServiceClientConstructor)(
    other.address.slice("http://".length),
    credentials.createInsecure(),
  ) as unknown as HealthClient;
  const statuses: string[] = [];
  const ended = (async () => {
    for await (const message of watcher.watch({ service })) {
      statuses.push((message as HealthAnswer).status);
    }
  })();
  await until(() => statuses.length === 1);
  const closed = other.mesh.close();
  await expect(ended).rejects.toMatchObject({ code: status.UNAVAILABLE });
  await closed;
  watcher.close();
  expect(statuses).toEqual(["SERVING", "NOT_SERVING"]);
});
