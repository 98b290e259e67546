import { afterEach, describe, expect, test } from "vitest";
import { greeter } from "../../examples/greeter/greeter.ts";
import { GreetService } from "../../gen/greet/v1/greet_pb.ts";
import { createMesh, memory } from "../../src/index.ts";
import type { Mesh, ServerLimits } from "../../src/index.ts";
import { defaultDrain, defaultLimits, drainOptions, serverLimits } from "../../src/server/options.ts";
import { nothingUnhandled } from "../support/unhandled.ts";

nothingUnhandled();

const open: Mesh[] = [];

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

const names = Object.keys(defaultLimits) as (keyof ServerLimits)[];
const longestMs = 2 ** 31 - 1;

/** What a call over a channel is answered by a server with some limits. */
async function greet(limits: Partial<ServerLimits>, channel: string): Promise<string> {
  const registry = memory();
  const server = createMesh({ registry, components: [greeter()], listen: { port: 0 }, limits, drain: { drainDelayMs: 0 } });
  open.push(server);
  await server.start();
  const caller = createMesh({ registry });
  open.push(caller);
  const { message } = await caller.client(GreetService, { channel, timeoutMs: 10_000 }).greet({ name: "Ada" });
  return message;
}

describe("limits of a server", () => {
  test.each(names)("%s is above 0 and a number", (name) => {
    const wrong = [-1, Number.NaN, "5", null, ...(name === "minPingIntervalMs" ? [] : [0])];
    for (const value of wrong) {
      const message = `the options of the mesh set limits.${name} to ${JSON.stringify(value) === "null" ? String(value) : JSON.stringify(value)}:`;
      expect(() => serverLimits({ [name]: value })).toThrow(message);
    }
  });

  test.each(names.filter((name) => /^max(Connections|RunningCalls|ConnectionCalls|Stream|Connection)/.test(name)))(
    "%s may be infinite: then it is no limit",
    (name) => {
      expect(serverLimits({ [name]: Infinity })[name]).toBe(Infinity);
    },
  );

  test.each(["slowAnswerTimeoutMs", "idleStreamTimeoutMs", "firstBytesTimeoutMs", "maxTimeoutMs", "defaultTimeoutMs"])(
    "%s is no longer than a timer of Node can be",
    (name) => {
      expect(serverLimits({ [name]: longestMs })).toMatchObject({ [name]: longestMs });
      for (const ms of [longestMs + 1, Infinity]) {
        expect(() => serverLimits({ [name]: ms })).toThrow(`${name} to ${ms}: it must be above 0, and at most ${longestMs}`);
      }
    },
  );

  test.each(["readMaxBytes", "maxConcurrentStreams", "maxHeaderPairs", "requestTimeoutMs", "maxConnections"])("%s is whole", (name) => {
    expect(() => serverLimits({ [name]: 1.5 })).toThrow(`limits.${name} to 1.5: it must be an integer`);
  });

  test("are not misspelt, and undefined is the default", () => {
    expect(() => serverLimits({ maxRuningCalls: 5 } as Partial<ServerLimits>)).toThrow("limits.maxRuningCalls though there is no such option");
    expect(serverLimits({ maxRunningCalls: undefined } as unknown as Partial<ServerLimits>)).toEqual(defaultLimits);
    expect(serverLimits(undefined)).toEqual(defaultLimits);
  });

  test.each(["protobuf", "grpc", "rest"])("that are the greatest that there are let calls pass: %s", async (channel) => {
    const whole = { readMaxBytes: 2 ** 32 - 1, writeMaxBytes: 2 ** 32 - 1, maxHeaderBytes: 2 ** 32 - 1, maxHeaderPairs: 2 ** 32 - 1 };
    const times = Object.fromEntries(names.filter((name) => /TimeoutMs$|IntervalMs$/.test(name)).map((name) => [name, longestMs]));
    const counts = { maxConnections: Infinity, maxConnectionsPerAddress: Infinity, maxRunningCalls: Infinity, maxConnectionCalls: Infinity };
    const ages = { idleConnectionTimeoutMs: Infinity, maxConnectionAgeMs: Infinity, keepaliveIntervalMs: Infinity };
    const limits = { ...whole, ...times, ...counts, ...ages, maxStreamResets: Infinity, maxConcurrentStreams: 2 ** 31 - 1 };
    expect(await greet(limits, channel)).toBe("hello Ada");
  });

  test("may give a whole request less time than its headers have by default", async () => {
    expect(await greet({ requestTimeoutMs: 5_000 }, "rest")).toBe("hello Ada");
  });
});

describe("times of mesh.close()", () => {
  test.each(["drainDelayMs", "graceMs", "deregisterTimeoutMs"])("%s is 0 or more", (name) => {
    expect(drainOptions({ [name]: 0 })).toMatchObject({ [name]: 0 });
    for (const ms of [-1, Number.NaN, Infinity]) {
      expect(() => drainOptions({ [name]: ms })).toThrow(`the options of the mesh set drain.${name} to ${ms}: it must be 0 or more`);
    }
  });

  test("may have parts of a millisecond, and be longer than a timer can be", async () => {
    expect(drainOptions({ graceMs: 1e12, deregisterTimeoutMs: 0.5 })).toEqual({
      ...defaultDrain,
      graceMs: longestMs,
      deregisterTimeoutMs: 1,
    });
    const mesh = createMesh({ registry: memory(), drain: { graceMs: 1e12, deregisterTimeoutMs: 0.5 } });
    await mesh.start();
    await expect(mesh.close()).resolves.toBeUndefined();
  });
});
