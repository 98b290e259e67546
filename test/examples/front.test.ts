import { create } from "@bufbuild/protobuf";
import { Code, createHandlerContext } from "@connectrpc/connect";
import type { Client, HandlerContext } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { front } from "../../examples/front/front.ts";
import { greeter } from "../../examples/greeter/greeter.ts";
import { GreetRequestSchema, GreetService } from "../../gen/greet/v1/greet_pb.ts";
import { component, createMesh, implement, memory, staticRegistry } from "../../src/index.ts";
import type { Component, Mesh } from "../../src/index.ts";
import { until } from "../../src/testing/until.ts";

/** A greeter and a front that run, and a client that calls the front. */
interface Setup extends AsyncDisposable {
  /** Calls the front. */
  readonly client: Client<typeof GreetService>;
  /** Id of the greeter's instance. */
  readonly greeter: string | undefined;
  /** What the front itself calls with. */
  readonly onwards: Client<typeof GreetService>;
}

async function setup(asked: Component): Promise<Setup> {
  const registry = memory();
  const fast = { registry, listen: {}, drain: { drainDelayMs: 0 } };
  const behind = createMesh({ ...fast, components: [asked] });
  const mesh: Mesh = createMesh({ ...fast, components: [front(() => onwards)] });
  const onwards = mesh.client(GreetService, { channel: ["protobuf"] });
  await behind.start();
  await mesh.start();
  const caller = createMesh({ registry: staticRegistry({ greeter: [mesh.address ?? ""] }) });
  return {
    client: caller.client(GreetService),
    greeter: behind.instanceId(asked),
    onwards,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([caller.close(), mesh.close(), behind.close()]);
    },
  };
}

async function all<T>(messages: AsyncIterable<T>): Promise<readonly T[]> {
  const found: T[] = [];
  for await (const message of messages) found.push(message);
  return found;
}

/** What a call failed with. */
function failure(of: Promise<unknown>): Promise<unknown> {
  return of.then(
    () => undefined,
    (error: unknown) => error,
  );
}

async function* names(...of: readonly string[]): AsyncGenerator<{ name: string }> {
  for (const name of of) yield { name };
}

describe("the component front", () => {
  it("asks the greeters for the answer of every method", async () => {
    await using on = await setup(greeter());
    const { client, greeter: instance } = on;
    expect(await client.greet({ name: "Ada" })).toMatchObject({ message: "hello Ada", instance });
    const many = await all(client.greetMany({ name: "Ada", count: 3 }));
    expect(many.map(({ index }) => index)).toEqual([1, 2, 3]);
    const chat = await all(client.chat(names("Ada", "Bob")));
    expect(chat.map(({ message }) => message)).toEqual(["hello Ada", "hello Bob"]);
    expect(await client.collect(names("Ada", "Bob"))).toMatchObject({ count: 2, instance });
  });

  it("passes the greeters' errors on", async () => {
    await using on = await setup(greeter());
    const error = await failure(all(on.client.greetMany({ count: 10_001 })));
    expect(error).toMatchObject({ code: Code.InvalidArgument });
    expect(String(error)).toContain("count is 10001");
  });

  it("passes on what is left of the deadline, and the cancellation", async () => {
    const seen: HandlerContext[] = [];
    const slow = component({
      name: "greeter",
      services: [
        implement(
          GreetService,
          {
            greet: (_request, context) => {
              seen.push(context);
              return new Promise(() => {});
            },
          },
          { partial: true },
        ),
      ],
    });
    await using on = await setup(slow);
    const stop = new AbortController();
    const call = failure(on.client.greet({}, { signal: stop.signal, timeoutMs: 20_000 }));
    const context = await until(() => seen[0]);
    expect(context?.timeoutMs()).toBeGreaterThan(0);
    expect(context?.timeoutMs()).toBeLessThanOrEqual(20_000);
    stop.abort();
    expect(await call).toMatchObject({ code: Code.Canceled });
    await until(() => context?.signal.aborted);
  });

  it("never reads a deadline that is over as none", async () => {
    let calls = 0;
    const counting = component({
      name: "greeter",
      services: [
        implement(GreetService, { greet: () => ({ message: `${(calls += 1)}` }) }, { partial: true }),
      ],
    });
    await using on = await setup(counting);
    const greet = front(() => on.onwards).services[0]?.implementation["greet"];
    if (typeof greet !== "function") throw new Error("no method greet");
    const context = createHandlerContext({
      service: GreetService,
      method: GreetService.method.greet,
      protocolName: "test",
      requestMethod: "POST",
      url: "test:",
      timeoutMs: 0,
    });
    // The context's own signal is left out of it: only the time is looked at.
    const late = { ...context, signal: new AbortController().signal };
    const error = await failure(Promise.resolve(greet(create(GreetRequestSchema), late)));
    expect(error).toMatchObject({ code: Code.DeadlineExceeded });
    expect(calls).toBe(0);
  });
});
