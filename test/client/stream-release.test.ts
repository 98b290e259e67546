import { afterEach, expect, test } from "vitest";
import { GreetService } from "../../gen/greet/v1/greet_pb.ts";
import { grpc, grpcWeb, local, protobuf } from "../../src/index.ts";
import { until } from "../../src/testing/until.ts";
import { startMesh } from "../support/mesh.ts";
import { failure } from "../support/outcome.ts";

const closing: Array<() => unknown> = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const timers = (): number => process.getActiveResourcesInfo().filter((of) => of === "Timeout").length;

test.each([
  ["protobuf", protobuf()],
  ["protobuf over HTTP/1.1", protobuf({ httpVersion: "1.1" })],
  ["grpc", grpc()],
  ["grpc-web", grpcWeb()],
  ["local", local()],
])("streams that are cancelled or left early leave no timer behind: %s", async (_, channel) => {
  const { mesh } = await startMesh({ channels: [channel], timeoutMs: 600_000 });
  closing.push(() => mesh.close());
  const greet = mesh.client(GreetService, { channel: channel.name });
  const pause = { seconds: 300n, nanos: 0 };
  const cancelled = async (): Promise<void> => {
    const stop = new AbortController();
    await failure(
      (async () => {
        for await (const _ of greet.greetMany({ count: 2, pause }, { signal: stop.signal })) stop.abort();
      })(),
    );
    for await (const _ of greet.greetMany({ count: 2, pause })) break;
    // A reader that goes without a word: only the signal tells.
    const left = new AbortController();
    const reader = greet.greetMany({ count: 2, pause }, { signal: left.signal })[Symbol.asyncIterator]();
    await reader.next();
    left.abort();
  };
  await cancelled();
  const before = timers();
  for (let at = 0; at < 20; at++) await cancelled();
  await until(() => timers() < before + 5, { what: "the timers to go" });
  expect(timers()).toBeLessThan(before + 5);
});
