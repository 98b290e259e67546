import { Code, createClient } from "@connectrpc/connect";
import type { Interceptor, Transport } from "@connectrpc/connect";
import {
  compressionGzip,
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { greeter } from "../../examples/greeter/greeter.ts";
import { GreetService } from "../../gen/greet/v1/greet_pb.ts";
import { Health, HealthCheckResponse_ServingStatus } from "../../gen/grpc/health/v1/health_pb.ts";
import { until } from "../../src/testing/until.ts";
import { expectAllKinds } from "../support/all-kinds.ts";
import { startMesh } from "../support/mesh.ts";
import type { StartedMesh } from "../support/mesh.ts";
import { all, failure, streamOf } from "../support/outcome.ts";

/** Options that stock transports share and the tests use. */
interface Options {
  readonly baseUrl: string;
  readonly interceptors: Interceptor[];
  readonly acceptCompression?: (typeof compressionGzip)[];
  readonly sendCompression?: typeof compressionGzip;
}

const http1 = { httpVersion: "1.1" } as const;
const http2 = { httpVersion: "2" } as const;

interface Wire {
  readonly name: string;
  /** Whether it can stream in both directions. */
  readonly bidi: boolean;
  /** The header that names how an answer was compressed. */
  readonly encoding: string;
  /** Whether it reads with GET, where the contract allows it. */
  readonly get?: boolean;
  readonly make: (options: Options) => Transport;
}

const connect = { bidi: true, encoding: "content-encoding" };
const grpc = { bidi: true, encoding: "grpc-encoding" };

const wires: readonly Wire[] = [
  { ...connect, name: "Connect, protobuf, HTTP/2", make: (o) => createConnectTransport({ ...o, ...http2 }) },
  { ...connect, name: "Connect, protobuf, HTTP/1.1", bidi: false, make: (o) => createConnectTransport({ ...o, ...http1 }) },
  { ...connect, name: "Connect, JSON, HTTP/2", make: (o) => createConnectTransport({ ...o, ...http2, useBinaryFormat: false }) },
  { ...connect, name: "Connect, JSON, HTTP/1.1", bidi: false, make: (o) => createConnectTransport({ ...o, ...http1, useBinaryFormat: false }) },
  { ...connect, name: "Connect, protobuf, GET", get: true, make: (o) => createConnectTransport({ ...o, ...http2, useHttpGet: true }) },
  { ...grpc, name: "gRPC, protobuf", make: (o) => createGrpcTransport(o) },
  { ...grpc, name: "gRPC, JSON", make: (o) => createGrpcTransport({ ...o, useBinaryFormat: false }) },
  { ...grpc, name: "gRPC-Web, protobuf, HTTP/2", make: (o) => createGrpcWebTransport({ ...o, ...http2 }) },
  { ...grpc, name: "gRPC-Web, protobuf, HTTP/1.1", bidi: false, make: (o) => createGrpcWebTransport({ ...o, ...http1 }) },
  { ...grpc, name: "gRPC-Web, JSON, HTTP/1.1", bidi: false, make: (o) => createGrpcWebTransport({ ...o, ...http1, useBinaryFormat: false }) },
];

let server: StartedMesh;
/** What the server saw of the last call. */
let seen:
  | { readonly method: string; readonly headers: Headers; readonly signal: AbortSignal }
  | undefined;

beforeAll(async () => {
  const watch: Interceptor = (next) => (request) => {
    const { requestMethod: method, header: headers, signal } = request;
    seen = { method, headers, signal };
    return next(request);
  };
  server = await startMesh({ components: [greeter({ interceptors: [watch] })] });
});

afterAll(() => server.mesh.close());

beforeEach(() => {
  seen = undefined;
});

describe.each(wires)("the stock client over $name", ({ bidi, encoding, get = false, make }) => {
  let answered: Headers | undefined;
  const note: Interceptor = (next) => async (request) => {
    const response = await next(request);
    answered = response.header;
    return response;
  };
  const transport = (more: Partial<Options> = {}) =>
    make({ baseUrl: server.address, interceptors: [note], ...more });

  test("makes calls of every kind that its HTTP version allows", async () => {
    await expectAllKinds(createClient(GreetService, transport()), { id: server.id, bidi });
  });

  test("ends at its deadline", async () => {
    const greet = createClient(GreetService, transport());
    const slow = greet.greetMany({ count: 2, pause: { seconds: 30n } }, { timeoutMs: 200 });
    const messages: number[] = [];
    const error = await failure(
      (async () => {
        for await (const { index } of slow) messages.push(index);
      })(),
    );
    expect([error.code, messages]).toEqual([Code.DeadlineExceeded, [1]]);
  });

  test("cancels, and the handler hears of it", async () => {
    const stop = new AbortController();
    const greet = createClient(GreetService, transport());
    const slow = greet.greetMany({ count: 2, pause: { seconds: 30n } }, { signal: stop.signal });
    const error = await failure(
      (async () => {
        for await (const message of slow) {
          expect(message.index).toBe(1);
          stop.abort();
        }
      })(),
    );
    expect(error.code).toBe(Code.Canceled);
    await until(() => seen?.signal.aborted, { what: "the handler's signal" });
  });

  test("compresses with gzip both ways", async () => {
    const greet = createClient(
      GreetService,
      transport({ sendCompression: compressionGzip, acceptCompression: [compressionGzip] }),
    );
    const name = "Ada ".repeat(1_000);
    expect(await greet.greet({ name })).toMatchObject({ message: `hello ${name}` });
    expect(answered?.get(encoding)).toBe("gzip");
    // A GET says in its query what it compressed.
    expect([seen?.method, seen?.headers.get(encoding)]).toEqual(get ? ["GET", null] : ["POST", "gzip"]);
    const many = await all(greet.greetMany({ name, count: 2 }));
    expect(many.map(({ message }) => message)).toEqual([`hello ${name}`, `hello ${name}`]);
    expect(await greet.collect(streamOf({ name }, { name }))).toMatchObject({ count: 2 });
  });

  // A URL of that size is refused by HTTP itself.
  if (!get) test("gets a message over the limit refused as resource_exhausted", async () => {
    const greet = createClient(GreetService, transport());
    const error = await failure(greet.greet({ name: "x".repeat(5 * 1024 * 1024) }));
    expect(Code[error.code]).toBe(Code[Code.ResourceExhausted]);
  });

  test("reads the health of the server", async () => {
    const health = createClient(Health, transport());
    const { status } = await health.check({ service: GreetService.typeName });
    expect(status).toBe(HealthCheckResponse_ServingStatus.SERVING);
    expect((await failure(health.check({ service: "none" }))).code).toBe(Code.NotFound);
  });
});
