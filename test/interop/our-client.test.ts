import { createServer } from "node:http2";
import type { Http2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import type { DescMessage } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { ServiceImpl } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { Metadata, Server, ServerCredentials, status } from "@grpc/grpc-js";
import type {
  sendUnaryData,
  ServerDuplexStream,
  ServerReadableStream,
  ServerUnaryCall,
  ServerWritableStream,
  ServiceDefinition,
  UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { GreetService } from "../../gen/greet/v1/greet_pb.ts";
import { createMesh, staticRegistry } from "../../src/index.ts";
import type { Mesh } from "../../src/index.ts";
import { until } from "../../src/testing/until.ts";
import { expectAllKinds } from "../support/all-kinds.ts";
import { all, failure, streamOf } from "../support/outcome.ts";

const id = "foreign";
const hello = (name: string) => ({ message: `hello ${name}`, instance: id });
const tooMany = "count is 10001; ask for 10000 greetings at most";

/** Whether the last slow call was ended by its caller. */
let ended = false;

async function expectDeadlineAndCancel(mesh: Mesh, channel: string): Promise<void> {
  const greet = mesh.client(GreetService, { channel });
  // `pause` makes the foreign servers hang after their first answer.
  const slow = { name: "Ada", count: 2, pause: { seconds: 30n } };
  ended = false;
  const late = await failure(all(greet.greetMany(slow, { timeoutMs: 200 })));
  expect(late.code).toBe(Code.DeadlineExceeded);
  await until(() => ended, { what: "the server to see the deadline" });

  ended = false;
  const stop = new AbortController();
  const canceled = await failure(
    (async () => {
      for await (const { index } of greet.greetMany(slow, { signal: stop.signal })) {
        expect(index).toBe(1);
        stop.abort();
      }
    })(),
  );
  expect(canceled.code).toBe(Code.Canceled);
  await until(() => ended, { what: "the server to see the cancellation" });
}

describe("the mesh's client and a stock connect-node server", () => {
  let server: Http2Server;
  let mesh: Mesh;

  const implementation: ServiceImpl<typeof GreetService> = {
    greet: ({ name }) => hello(name),
    async *greetMany({ name, count, pause }, { signal }) {
      if (count > 10_000) throw new ConnectError(tooMany, Code.InvalidArgument);
      for (let index = 1; index <= count; index++) {
        yield { ...hello(name), index };
        if (pause === undefined) continue;
        await new Promise((resolve) => {
          signal.addEventListener("abort", resolve, { once: true });
        });
        ended = true;
      }
    },
    async *chat(requests) {
      for await (const { name } of requests) yield hello(name);
    },
    async collect(requests) {
      const names = (await all(requests)).map(({ name }) => name);
      return { ...hello(names.join(", ")), count: names.length };
    },
  };

  beforeAll(async () => {
    server = createServer(
      connectNodeAdapter({
        routes: (router) => {
          router.service(GreetService, implementation);
        },
      }),
    );
    server.listen(0, "127.0.0.1");
    await until(() => server.listening);
    const { port } = server.address() as AddressInfo;
    mesh = createMesh({ registry: staticRegistry({ greeter: [`http://127.0.0.1:${port}`] }) });
  });

  afterAll(async () => {
    await mesh.close();
    server.close();
  });

  describe.each(["protobuf", "json", "grpc", "grpc-web"])("over %s", (channel) => {
    test("make calls of every kind", async () => {
      await expectAllKinds(mesh.client(GreetService, { channel }), { id });
    });

    test("agree on deadlines and cancellation", async () => {
      await expectDeadlineAndCancel(mesh, channel);
    });

    test("carry compressed messages", async () => {
      const name = "Ada ".repeat(1_000);
      const greet = mesh.client(GreetService, { channel });
      expect((await greet.greet({ name })).message).toBe(`hello ${name}`);
      expect((await greet.collect(streamOf({ name }, { name }))).count).toBe(2);
    });
  });
});

describe("the mesh's client and a grpc-js server", () => {
  let server: Server;
  let mesh: Mesh;

  /** A message on grpc-js's side, whose own types know nothing of ours. */
  interface Message {
    readonly name: string;
    readonly count: number;
    readonly pause?: object;
  }

  const implementation: UntypedServiceImplementation = {
    Greet: ({ request }: ServerUnaryCall<Message, object>, done: sendUnaryData<object>) => {
      done(null, hello(request.name), new Metadata());
    },
    GreetMany: (call: ServerWritableStream<Message, object>) => {
      const { name, count, pause } = call.request;
      call.on("cancelled", () => {
        ended = true;
      });
      if (count > 10_000) {
        call.emit("error", { code: status.INVALID_ARGUMENT, details: tooMany });
        return;
      }
      for (let index = 1; index <= (pause === undefined ? count : 1); index++) {
        call.write({ ...hello(name), index });
      }
      if (pause === undefined) call.end();
    },
    Chat: (call: ServerDuplexStream<Message, object>) => {
      call.on("data", ({ name }: Message) => {
        call.write(hello(name));
      });
      call.on("end", () => {
        call.end();
      });
    },
    Collect: (call: ServerReadableStream<Message, object>, done: sendUnaryData<object>) => {
      const names: string[] = [];
      call.on("data", ({ name }: Message) => names.push(name));
      call.on("end", () => {
        done(null, { ...hello(names.join(", ")), count: names.length });
      });
    },
  };

  beforeAll(async () => {
    server = new Server();
    server.addService(definition(), implementation);
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) => {
        if (error === null) resolve(bound);
        else reject(error);
      });
    });
    const channels = { grpc: `http://127.0.0.1:${port}` };
    mesh = createMesh({ registry: staticRegistry({ greeter: [{ channels }] }), channel: "grpc" });
  });

  afterAll(async () => {
    await mesh.close();
    server.forceShutdown();
  });

  test("make calls of every kind", async () => {
    await expectAllKinds(mesh.client(GreetService), { id });
  });

  test("agree on deadlines and cancellation", async () => {
    await expectDeadlineAndCancel(mesh, "grpc");
  });
});

/** GreetService as grpc-js wants it, with protobuf-es for the messages. */
function definition(): ServiceDefinition {
  return Object.fromEntries(
    GreetService.methods.map((method) => [
      method.name,
      {
        path: `/${GreetService.typeName}/${method.name}`,
        requestStream: ["client_streaming", "bidi_streaming"].includes(method.methodKind),
        responseStream: ["server_streaming", "bidi_streaming"].includes(method.methodKind),
        ...codec(method.input, "request"),
        ...codec(method.output, "response"),
      },
    ]),
  ) as unknown as ServiceDefinition;
}

function codec(message: DescMessage, side: "request" | "response"): object {
  return {
    [`${side}Serialize`]: (value: object) =>
      Buffer.from(toBinary(message, { $typeName: message.typeName, ...value })),
    [`${side}Deserialize`]: (bytes: Uint8Array) => fromBinary(message, bytes),
  };
}
