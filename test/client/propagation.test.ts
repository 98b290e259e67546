import { Code, ConnectError } from "@connectrpc/connect";
import type { Client, Interceptor } from "@connectrpc/connect";
import { afterEach, describe, expect, test } from "vitest";
import { GreetService } from "../../gen/greet/v1/greet_pb.ts";
import { ChannelTestService } from "../../gen/testing/v1/channel_pb.ts";
import { component, createMesh, implement, memory, reasonOf } from "../../src/index.ts";
import type { Mesh, MeshOptions } from "../../src/index.ts";
import { nothingUnhandled } from "../support/unhandled.ts";

nothingUnhandled();

const open: Mesh[] = [];

afterEach(async () => {
  for (const mesh of open.splice(0).reverse()) await mesh.close();
});

async function started(options: MeshOptions): Promise<Mesh> {
  const mesh = createMesh({ listen: { port: 0 }, drain: { drainDelayMs: 0 }, ...options });
  open.push(mesh);
  await mesh.start();
  return mesh;
}

/** What the last service of a chain saw as its deadline, in milliseconds. */
const seen: number[] = [];

/** Calls that a handler makes to the next service. */
type Next = () => Promise<unknown>;

/**
 * Three processes' worth of meshes: a caller, a greeter whose every method
 * calls on, and a service that passes the call on to itself once more.
 */
async function chain(
  options: { channel?: string; interceptors?: Interceptor[]; timeoutMs?: number; firstClientInHandler?: boolean } = {},
): Promise<Client<typeof GreetService>> {
  const registry = memory();
  seen.length = 0;
  let last: Client<typeof ChannelTestService> | undefined;
  const back = await started({
    registry,
    components: [
      component({
        name: "back",
        services: [
          implement(
            ChannelTestService,
            {
              look: async ({ text, number }, context) => {
                if (number > 0n) {
                  await last?.look({ text, number: number - 1n });
                  return { text };
                }
                seen.push(context.timeoutMs() ?? Infinity);
                return { text };
              },
            },
            { partial: true },
          ),
        ],
      }),
    ],
  });
  last = back.client(ChannelTestService, { channel: "protobuf" });
  let next: Next = () => Promise.resolve();
  const front = await started({
    registry,
    components: [
      component({
        name: "greeter",
        ...(options.interceptors === undefined ? {} : { interceptors: options.interceptors }),
        services: [
          implement(GreetService, {
            async greet() {
              await next();
              return {};
            },
            async *greetMany() {
              yield {};
              await next();
              yield {};
              await next();
            },
            async *chat(requests) {
              for await (const _ of requests) {
                await next();
                yield {};
              }
            },
            async collect(requests) {
              for await (const _ of requests) await next();
              return {};
            },
          }),
        ],
      }),
    ],
  });
  const make = (): Client<typeof ChannelTestService> => front.client(ChannelTestService, { timeoutMs: options.timeoutMs });
  let on = options.firstClientInHandler === true ? undefined : make();
  next = () => (on ??= make()).look({ text: "x", number: 1n });
  const caller = createMesh({ registry, channel: options.channel });
  open.push(caller);
  return caller.client(GreetService);
}

async function read(answers: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of answers);
}

async function* two(): AsyncGenerator<{ name: string }> {
  yield { name: "a" };
  yield await Promise.resolve({ name: "b" });
}

const pass: Interceptor = (next) => (request) => next(request);

describe("the deadline of a call", () => {
  test.each(["protobuf", "json", "grpc", "grpc-web", "rest"])("goes on to the calls that its handler makes, over %s", async (channel) => {
    const greet = await chain({ channel });
    await greet.greet({ name: "Ada" }, { timeoutMs: 3_000 });
    expect(seen).toHaveLength(1);
    expect(seen[0]).toBeLessThanOrEqual(3_000);
    expect(seen[0]).toBeGreaterThan(1_000);
  });

  test.each([
    ["with an interceptor", { interceptors: [pass] }],
    ["over grpc with an interceptor", { interceptors: [pass], channel: "grpc" }],
  ])("also %s", async (_how, options) => {
    const greet = await chain(options);
    await greet.greet({}, { timeoutMs: 3_000 });
    expect(seen[0]).toBeLessThanOrEqual(3_000);
  });

  test.each(["protobuf", "grpc"])("also from handlers that stream, over %s", async (channel) => {
    const greet = await chain({ channel });
    await read(greet.greetMany({}, { timeoutMs: 3_000 }));
    await read(greet.chat(two(), { timeoutMs: 3_000 }));
    await greet.collect(two(), { timeoutMs: 3_000 });
    expect(seen).toHaveLength(6);
    for (const ms of seen) expect(ms).toBeLessThanOrEqual(3_000);
  });

  test.each<[string, (greet: Client<typeof GreetService>) => Promise<unknown>]>([
    ["unary", (greet) => greet.greet({}, { timeoutMs: 3_000 })],
    ["collecting", (greet) => greet.collect(two(), { timeoutMs: 3_000 })],
    ["chatting", (greet) => read(greet.chat(two(), { timeoutMs: 3_000 }))],
  ])("also from a %s handler that makes the first client of its mesh", async (_kind, call) => {
    const greet = await chain({ firstClientInHandler: true });
    await call(greet);
    expect(seen.length).toBeGreaterThan(0);
    for (const ms of seen) expect(ms).toBeLessThanOrEqual(3_000);
  });

  test("only shrinks: a call's own, when it is shorter, holds", async () => {
    const greet = await chain({ timeoutMs: 1_500 });
    await greet.greet({}, { timeoutMs: 20_000 });
    expect(seen[0]).toBeLessThanOrEqual(1_500);
  });

  test("that is over lets no further call be made", async () => {
    const registry = memory();
    const errors: unknown[] = [];
    let client: Client<typeof ChannelTestService> | undefined;
    const looked: string[] = [];
    const done = Promise.withResolvers<void>();
    const mesh = await started({
      registry,
      components: [
        component({
          name: "greeter",
          services: [
            implement(
              GreetService,
              {
                async greet(_request, context) {
                  await new Promise((resolve) => {
                    context.signal.addEventListener("abort", resolve, { once: true });
                  });
                  while ((context.timeoutMs() ?? 0) > 0) await new Promise(setImmediate);
                  await client?.look({ text: "late" }).catch((error: unknown) => errors.push(error));
                  done.resolve();
                  return {};
                },
              },
              { partial: true },
            ),
            implement(
              ChannelTestService,
              {
                look({ text }) {
                  looked.push(text);
                  return { text };
                },
              },
              { partial: true },
            ),
          ],
        }),
      ],
    });
    client = mesh.client(ChannelTestService, { channel: "protobuf" });
    const greet = mesh.client(GreetService, { channel: "protobuf" });
    // So that the call gets there before its deadline.
    await client.look({ text: "connect" });
    await greet.greet({}, { timeoutMs: 300 }).catch(() => {});
    await done.promise;
    expect(errors.map((error) => [ConnectError.from(error).code, reasonOf(error)])).toEqual([
      [Code.DeadlineExceeded, "DEADLINE_EXCEEDED"],
    ]);
    expect(looked).toEqual(["connect"]);
  });

  test.each([["unary"], ["streaming"]])("is nothing to what a %s handler leaves behind once it has answered", async (kind) => {
    const registry = memory();
    const left: Array<number | undefined> = [];
    const answered = Promise.withResolvers<void>();
    const done = Promise.withResolvers<void>();
    let client: Client<typeof ChannelTestService> | undefined;
    const later = async (): Promise<void> => {
      await answered.promise;
      await client?.look({ text: "later" });
      done.resolve();
    };
    const mesh = await started({
      registry,
      components: [
        component({
          name: "greeter",
          services: [
            implement(
              GreetService,
              {
                greet() {
                  later().catch(done.reject);
                  return {};
                },
                // oxlint-disable-next-line require-yield
                async *greetMany() {
                  later().catch(done.reject);
                },
              },
              { partial: true },
            ),
            implement(
              ChannelTestService,
              {
                look({ text }, context) {
                  left.push(context.timeoutMs());
                  return { text };
                },
              },
              { partial: true },
            ),
          ],
        }),
      ],
    });
    client = mesh.client(ChannelTestService, { channel: "protobuf" });
    const greet = mesh.client(GreetService, { channel: "protobuf" });
    if (kind === "unary") await greet.greet({}, { timeoutMs: 5_000 });
    else await read(greet.greetMany({}, { timeoutMs: 5_000 }));
    answered.resolve();
    await done.promise;
    expect(left[0]).toBeGreaterThan(5_000);
  });

  test("is nothing to calls that are made outside of handlers", async () => {
    const greet = await chain();
    await greet.greet({}, { timeoutMs: 3_000 });
    const mesh = open[0];
    await mesh?.client(ChannelTestService, { channel: "protobuf" }).look({ text: "x" });
    expect(seen[1]).toBeGreaterThan(3_000);
  });
});
