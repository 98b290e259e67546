import { ConnectError } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { grpc, grpcWeb, json, local, msgpack, protobuf, reasonOf, rest } from "../../src/index.ts";
import type { Channel, ChannelInit } from "../../src/index.ts";

const channels: ReadonlyArray<readonly [string, (init: ChannelInit) => Channel]> = [
  ["protobuf", protobuf],
  ["json", json],
  ["msgpack", msgpack],
  ["grpc", grpc],
  ["grpc-web", grpcWeb],
  ["rest", rest],
  ["local", local],
];

test.each(channels)("interceptors that are no list of functions are an error when the channel %s is made", (name, make) => {
  for (const [interceptors, shown] of [[() => undefined, "a function"], [["log"], '["log"]'], [null, "null"]] as const) {
    let thrown: unknown;
    try {
      make({ interceptors } as unknown as ChannelInit);
    } catch (error) {
      thrown = error;
    }
    expect(reasonOf(thrown)).toBe("INVALID_CONFIGURATION");
    expect(ConnectError.from(thrown).rawMessage).toBe(
      `the options of the channel ${name} set interceptors to ${shown}: it must be a list of functions`,
    );
  }
  expect(make({ interceptors: [(next) => next] }).name).toBe(name);
});
