import type { Client } from "@connectrpc/connect";
import { Code } from "@connectrpc/connect";
import { expect } from "vitest";
import type { GreetService } from "../../gen/greet/v1/greet_pb.ts";
import { all, failure, streamOf } from "./outcome.ts";

/** Options of {@link expectAllKinds}. */
export interface AllKindsOptions {
  /** Id of the instance that should answer. */
  readonly id: string;
  /** Whether the client's HTTP version allows streams in both directions. Default true. */
  readonly bidi?: boolean | undefined;
}

/** Makes one call of each kind to a greeter, and one that fails, and checks the answers. */
export async function expectAllKinds(
  greet: Client<typeof GreetService>,
  { id, bidi = true }: AllKindsOptions,
): Promise<void> {
  expect(await greet.greet({ name: "Ada" })).toMatchObject({ message: "hello Ada", instance: id });

  const many = await all(greet.greetMany({ name: "Ada", count: 3 }));
  expect(many.map(({ index, message, instance }) => [index, message, instance])).toEqual(
    [1, 2, 3].map((index) => [index, "hello Ada", id]),
  );

  const collected = await greet.collect(streamOf({ name: "Ada" }, { name: "Grace" }));
  expect(collected).toMatchObject({ message: "hello Ada, Grace", count: 2, instance: id });

  const chat = greet.chat(streamOf({ name: "Ada" }, { name: "Grace" }));
  if (bidi) {
    expect((await all(chat)).map(({ message }) => message)).toEqual(["hello Ada", "hello Grace"]);
  } else {
    await failure(all(chat));
  }

  const error = await failure(all(greet.greetMany({ count: 10_001 })));
  expect([error.code, error.rawMessage]).toEqual([
    Code.InvalidArgument,
    "count is 10001; ask for 10000 greetings at most",
  ]);
}
