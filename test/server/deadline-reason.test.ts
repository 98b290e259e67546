import { fromBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { StatusSchema } from "../../gen/google/rpc/status_pb.ts";
import { GreetService } from "../../gen/greet/v1/greet_pb.ts";
import { component, implement, reasonOf } from "../../src/index.ts";
import type { Component } from "../../src/index.ts";
import { startMesh } from "../support/mesh.ts";
import { failure } from "../support/outcome.ts";
import { RawHttp2, envelope } from "../support/raw-http2.ts";
import type { RawAnswer } from "../support/raw-http2.ts";
import { nothingUnhandled } from "../support/unhandled.ts";

nothingUnhandled();

/** Answers to nothing. */
function silent(): Component {
  const never = (): Promise<never> => new Promise(() => {});
  async function* nothing(): AsyncGenerator<never> {
    yield await never();
  }
  const greets = { greet: never, collect: never, greetMany: nothing, chat: nothing };
  return component({ name: "greeter", services: [implement(GreetService, greets)] });
}

interface Failure {
  readonly message?: string;
  readonly details?: ReadonlyArray<{ readonly type?: string; readonly value?: string; readonly reason?: string }>;
}

/** The reason in what came over a wire, without any client of ours. */
function sentReason({ body, headers, trailers }: RawAnswer): string | undefined {
  const status = (trailers["grpc-status-details-bin"] ?? headers["grpc-status-details-bin"]) as string | undefined;
  if (status !== undefined) {
    const { details } = fromBinary(StatusSchema, Buffer.from(status, "base64"));
    return details.map(({ value }) => fromBinary(ErrorInfoSchema, value).reason).join();
  }
  const parsed = JSON.parse(body.toString().replace(/^[^{]*/, "")) as Failure & { readonly error?: Failure };
  const { details = [] } = parsed.error ?? parsed;
  return details.map(({ value, reason }) => reason ?? fromBinary(ErrorInfoSchema, Buffer.from(value ?? "", "base64")).reason).join();
}

const connect = { "connect-timeout-ms": "50" };
const grpc = { "grpc-timeout": "50m", te: "trailers" };
const service = "/greet.v1.GreetService";

test.each([
  ["protobuf", `${service}/Greet`, { "content-type": "application/proto", ...connect }, ""],
  ["json", `${service}/Greet`, { "content-type": "application/json", ...connect }, "{}"],
  ["msgpack", `${service}/Greet`, { "content-type": "application/msgpack", ...connect }, Buffer.of(0x80)],
  ["rest", "/v1/greet/Ada", { ":method": "GET", ...connect }, ""],
  ["grpc", `${service}/Greet`, { "content-type": "application/grpc", ...grpc }, envelope("")],
  ["grpc, a stream", `${service}/GreetMany`, { "content-type": "application/grpc", ...grpc }, envelope("")],
  ["json, a stream", `${service}/GreetMany`, { "content-type": "application/connect+json", ...connect }, envelope("{}")],
])("a server says DEADLINE_EXCEEDED over %s when a call comes to its deadline", async (_wire, path, headers, body) => {
  for (const fastPath of [true, false]) {
    await using server = await startMesh({ components: [silent()], fastPath, drain: { graceMs: 0 } });
    using raw = new RawHttp2(server.address);
    expect([fastPath, sentReason(await raw.call(path, headers, body))]).toEqual([fastPath, "DEADLINE_EXCEEDED"]);
  }
});

test.each([true, false])("a call within the process ends with DEADLINE_EXCEEDED too; short ways: %s", async (fastPath) => {
  await using server = await startMesh({ components: [silent()], fastPath, drain: { graceMs: 0 } });
  const greet = server.mesh.client(GreetService, { channel: "local", timeoutMs: 50 });
  expect(reasonOf(await failure(greet.greet({})))).toBe("DEADLINE_EXCEEDED");
});
