import { afterEach, describe, expect, test } from "vitest";
import { greeter } from "../../examples/greeter/greeter.ts";
import { GreetService } from "../../gen/greet/v1/greet_pb.ts";
import { callOptions, createMesh, memory, ringHash, roundRobin } from "../../src/index.ts";
import type { ClientOptions, Mesh } from "../../src/index.ts";
import { peek } from "../../src/client/peek.ts";
import { Replay } from "../../src/client/replay.ts";
import { startMesh } from "../support/mesh.ts";
import type { StartedMesh } from "../support/mesh.ts";
import { nothingUnhandled } from "../support/unhandled.ts";

nothingUnhandled();

const open: Array<StartedMesh | Mesh> = [];

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

/** A client of three greeters. */
async function client(options: ClientOptions) {
  const registry = memory();
  for (let at = 0; at < 3; at++) open.push(await startMesh({ registry, components: [greeter()] }));
  const mesh = createMesh({ registry });
  open.push(mesh);
  return mesh.client(GreetService, options);
}

async function collect<T>(answers: AsyncIterable<T>): Promise<readonly T[]> {
  const all: T[] = [];
  for await (const answer of answers) all.push(answer);
  return all;
}

describe("calls with the same key", () => {
  test("go to the same instance, whether their answer is one or a stream", async () => {
    const greet = await client({ balancer: ringHash(), hashKey: "name" });
    const homes = new Set<string>();
    for (let key = 0; key < 30; key++) {
      const name = `n${key}`;
      const { instance } = await greet.greet({ name });
      const many = await collect(greet.greetMany({ name, count: 3 }));
      expect(many.map((answer) => [answer.instance, answer.message])).toEqual(Array.from({ length: 3 }, () => [instance, `hello ${name}`]));
      homes.add(instance);
    }
    expect(homes.size).toBe(3);
  });

  test("also when only the call says what its key is", async () => {
    const greet = await client({ balancer: ringHash() });
    const keyed = new Set<string>();
    const free = new Set<string>();
    for (let turn = 0; turn < 30; turn++) {
      keyed.add((await greet.greet({ name: "Ada" }, callOptions({ hashKey: "name" }))).instance);
      free.add((await greet.greet({ name: "Ada" })).instance);
    }
    expect([keyed.size, free.size]).toEqual([1, 3]);
  });

  test("mean nothing to methods with many requests, and to other balancers", async () => {
    const greet = await client({ balancer: roundRobin(), hashKey: "name" });
    const homes = new Set<string>();
    for (let turn = 0; turn < 6; turn++) {
      homes.add((await greet.collect((async function* () { yield { name: "Ada" }; })())).instance);
      await greet.greet({ name: "Ada" });
    }
    expect(homes.size).toBe(3);
  });
});

describe("peek", () => {
  test("loses nothing, and knows of a stream without messages", async () => {
    async function* some(...values: readonly number[]): AsyncGenerator<number> {
      yield* values;
    }
    const { first, messages } = await peek(some(1, 2, 3));
    expect([first, await collect(new Replay(messages).offer())]).toEqual([1, [1, 2, 3]]);
    const none = await peek(some());
    expect([none.first, await collect(none.messages)]).toEqual([undefined, []]);
  });
});
