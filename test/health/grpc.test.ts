import { createServer, type Http2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { create } from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  createClient,
  createHandlerContext,
  createRouterTransport,
  type Client,
  type HandlerContext,
} from "@connectrpc/connect";
import { connectNodeAdapter, createGrpcTransport } from "@connectrpc/connect-node";
import { expect, onTestFinished, test, vi } from "vitest";
import {
  Health,
  HealthCheckRequestSchema,
  HealthCheckResponse_ServingStatus as Status,
  type HealthCheckResponse,
} from "../../gen/grpc/health/v1/health_pb.ts";
import { reasonOf } from "../../src/error.ts";
import { grpcHealth, type GrpcHealthOptions } from "../../src/health/grpc.ts";
import { ServingStatuses } from "../../src/health/serving.ts";

function client(options: GrpcHealthOptions): Client<typeof Health> {
  const health = grpcHealth(options);
  return createClient(
    Health,
    createRouterTransport((router) => void router.service(Health, health)),
  );
}

interface Watcher {
  next(): Promise<number | "ended">;
  stop: AbortController;
}

function watch(from: Client<typeof Health>, service: string): Watcher {
  const stop = new AbortController();
  onTestFinished(() => {
    stop.abort();
  });
  const stream: AsyncIterable<HealthCheckResponse> = from.watch(
    { service },
    { signal: stop.signal },
  );
  const answers = stream[Symbol.asyncIterator]();
  return {
    stop,
    async next() {
      const answer = await answers.next();
      return answer.done === true ? "ended" : answer.value.status;
    },
  };
}

async function failure(promise: Promise<unknown>): Promise<ConnectError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ConnectError);
  return error as ConnectError;
}

test("Check answers with the status of a service and of the whole server", async () => {
  const statuses = new ServingStatuses();
  statuses.set("a", "NOT_SERVING");
  const health = client({ statuses });
  expect((await health.check({})).status).toBe(Status.SERVING);
  expect((await health.check({ service: "a" })).status).toBe(Status.NOT_SERVING);
  statuses.set("a", "SERVING");
  expect((await health.check({ service: "a" })).status).toBe(Status.SERVING);
});

test("Check of a service that is not known is not_found and names it, without a refresh", async () => {
  const refresh = vi.fn(() => Promise.resolve());
  const error = await failure(
    client({ statuses: new ServingStatuses(), refresh }).check({ service: "x.v1.X" }),
  );
  expect(error.code).toBe(Code.NotFound);
  expect(error.rawMessage).toContain("no service x.v1.X");
  expect(refresh).not.toHaveBeenCalled();
});

test("Check answers with what the refresh found out", async () => {
  const statuses = new ServingStatuses();
  statuses.set("a", "SERVING");
  const refreshed: string[] = [];
  const health = client({
    statuses,
    async refresh(service) {
      await new Promise((resolve) => setImmediate(resolve));
      refreshed.push(service);
      statuses.set("a", "NOT_SERVING");
    },
  });
  expect((await health.check({ service: "a" })).status).toBe(Status.NOT_SERVING);
  expect(refreshed).toEqual(["a"]);
});

test("Check fails when the refresh fails, rather than answer with an old status", async () => {
  const health = client({
    statuses: new ServingStatuses(),
    refresh: () => Promise.reject(new ConnectError("no checks", Code.FailedPrecondition)),
  });
  expect((await failure(health.check({}))).code).toBe(Code.FailedPrecondition);
});

test("the signal of a refresh aborts with the call's deadline", async () => {
  const health = client({
    statuses: new ServingStatuses(),
    refresh: (_service, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => {
          reject(new Error("stopped"));
        });
      }),
  });
  expect((await failure(health.check({}, { timeoutMs: 50 }))).code).toBe(Code.DeadlineExceeded);
});

test("Watch sends the status at once and then every change", async () => {
  const statuses = new ServingStatuses();
  statuses.set("a", "SERVING");
  const watcher = watch(client({ statuses }), "a");
  expect(await watcher.next()).toBe(Status.SERVING);
  for (const status of ["NOT_SERVING", "SERVING", "NOT_SERVING"] as const) {
    const pending = watcher.next();
    statuses.set("b", status);
    statuses.set("a", status);
    expect(await pending).toBe(Status[status]);
  }
});

test("Watch of a service that is not known sends SERVICE_UNKNOWN and stays open", async () => {
  const statuses = new ServingStatuses();
  const watcher = watch(client({ statuses }), "a");
  expect(await watcher.next()).toBe(Status.SERVICE_UNKNOWN);
  const pending = watcher.next();
  statuses.set("a", "SERVING");
  expect(await pending).toBe(Status.SERVING);
});

test("Watch ends on shutdown with a last NOT_SERVING and then unavailable", async () => {
  const statuses = new ServingStatuses();
  const watcher = watch(client({ statuses }), "");
  expect(await watcher.next()).toBe(Status.SERVING);
  const last = watcher.next();
  statuses.shutdown();
  expect(await last).toBe(Status.NOT_SERVING);
  const error = await failure(watcher.next());
  expect(error.code).toBe(Code.Unavailable);
  expect(reasonOf(error)).toBe("SHUTTING_DOWN");
});

test("one watcher too many is resource_exhausted, and a watcher that leaves makes room", async () => {
  const health = client({ statuses: new ServingStatuses(), maxWatchers: 2 });
  const first = watch(health, "");
  const second = watch(health, "a");
  expect(await first.next()).toBe(Status.SERVING);
  expect(await second.next()).toBe(Status.SERVICE_UNKNOWN);
  const error = await failure(watch(health, "").next());
  expect(error.code).toBe(Code.ResourceExhausted);
  expect(error.rawMessage).toContain("2 health watchers");

  const pending = failure(first.next());
  first.stop.abort();
  expect((await pending).code).toBe(Code.Canceled);
  await vi.waitUntil(
    () =>
      watch(health, "")
        .next()
        .catch(() => undefined),
    { timeout: 10_000 },
  );
});

test("a watcher whose connection breaks makes room for another over gRPC", async () => {
  const statuses = new ServingStatuses();
  const health = grpcHealth({ statuses, maxWatchers: 1 });
  const server: Http2Server = createServer(
    connectNodeAdapter({ routes: (router) => void router.service(Health, health) }),
  );
  const sessions = new Set<{ destroy(): void }>();
  server.on("session", (session) => {
    sessions.add(session);
    // The sessions are destroyed on purpose.
    session.on("error", () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const connect = (): Client<typeof Health> =>
    createClient(Health, createGrpcTransport({ baseUrl }));

  const first = watch(connect(), "");
  expect(await first.next()).toBe(Status.SERVING);
  expect((await failure(watch(connect(), "").next())).code).toBe(Code.ResourceExhausted);
  // Nobody reads the first stream at this moment: the server has to notice by itself.
  for (const session of sessions) session.destroy();
  const second = await vi.waitUntil(
    async () => {
      const watcher = watch(connect(), "");
      const status = await watcher.next().catch(() => undefined);
      return status === Status.SERVING ? watcher : undefined;
    },
    { timeout: 10_000 },
  );
  const changed = second.next();
  statuses.set("", "NOT_SERVING");
  expect(await changed).toBe(Status.NOT_SERVING);
});

function context(method: keyof typeof Health.method, requestSignal: AbortSignal): HandlerContext {
  return createHandlerContext({
    service: Health,
    method: Health.method[method],
    protocolName: "grpc",
    requestMethod: "POST",
    url: "http://in-memory",
    requestSignal,
  });
}

test("a wire that drops a Watch without ending it makes room once, and only once", async () => {
  const health = grpcHealth({ statuses: new ServingStatuses(), maxWatchers: 1 });
  const request = create(HealthCheckRequestSchema);
  const open = (signal: AbortSignal): AsyncIterator<unknown> =>
    health.watch(request, context("watch", signal))[Symbol.asyncIterator]();
  const never = new AbortController().signal;

  const gone = new AbortController();
  const dropped = open(gone.signal);
  await dropped.next();
  expect((await failure(open(never).next())).code).toBe(Code.ResourceExhausted);
  gone.abort();
  const second = open(never);
  await second.next();
  expect((await failure(dropped.next())).code).toBe(Code.Canceled);
  expect((await failure(open(never).next())).code).toBe(Code.ResourceExhausted);
  await second.return?.();
  expect((await open(never).next()).done).toBe(false);
});

test("a Check whose caller goes away is canceled, whatever the refresh throws then", async () => {
  const caller = new AbortController();
  const health = grpcHealth({
    statuses: new ServingStatuses(),
    refresh() {
      caller.abort();
      return Promise.reject(new Error("stopped"));
    },
  });
  const answer = health.check(create(HealthCheckRequestSchema), context("check", caller.signal));
  expect((await failure(Promise.resolve(answer))).code).toBe(Code.Canceled);
});

test("List answers with all services and the whole server", async () => {
  const statuses = new ServingStatuses();
  statuses.set("a", "NOT_SERVING");
  const { statuses: listed } = await client({ statuses }).list({});
  expect(Object.entries(listed).map(([name, { status }]) => [name, status])).toEqual([
    ["", Status.SERVING],
    ["a", Status.NOT_SERVING],
  ]);
});

test("List is resource_exhausted with more than 100 services", async () => {
  const statuses = new ServingStatuses();
  for (let index = 1; index < 100; index++) statuses.set(`s${index}`, "SERVING");
  const health = client({ statuses });
  expect(Object.keys((await health.list({})).statuses)).toHaveLength(100);
  statuses.set("s100", "SERVING");
  const error = await failure(health.list({}));
  expect(error.code).toBe(Code.ResourceExhausted);
  expect(error.rawMessage).toContain("101 services");
});

test("a number of watchers that makes no sense is refused", () => {
  const statuses = new ServingStatuses();
  expect(() => grpcHealth({ statuses, maxWatchers: -1 })).toThrow("maxWatchers");
  expect(() => grpcHealth({ statuses, maxWatchers: Number.NaN })).toThrow("maxWatchers");
});
