import { constants } from "node:http2";
import { describe, expect, test } from "vitest";
import { until } from "../../src/testing/until.ts";
import { startMesh } from "../support/mesh.ts";
import { RawHttp2, answer, envelope } from "../support/raw-http2.ts";
import { silent } from "../support/silent.ts";
import { nothingUnhandled } from "../support/unhandled.ts";

nothingUnhandled();

const connect = { "content-type": "application/connect+json", "connect-timeout-ms": "100" };
const grpc = { "content-type": "application/grpc+json", "grpc-timeout": "100m" };
/** Fewer than the requests of a test. */
const limits = { maxStreamResets: 10 };

describe("requests that the server ends at their deadline", () => {
  test.each([
    ["Greet", grpc, true],
    ["GreetMany", connect, true],
    ["GreetMany", grpc, true],
    ["Collect", connect, false],
    ["Collect", grpc, false],
    ["Chat", connect, false],
    ["Chat", grpc, false],
  ] as const)("of %s with %o, request complete %s, are no hasty resets of their caller", async (method, headers, whole) => {
    await using server = await startMesh({ components: [silent()], limits, drain: { graceMs: 0 } });
    using raw = new RawHttp2(server.address);
    const calls = Array.from({ length: 30 }, () => {
      const stream = raw.open(`/greet.v1.GreetService/${method}`, headers);
      const done = answer(stream);
      if (whole) stream.end(envelope("{}"));
      else stream.write(envelope("{}"));
      return done;
    });
    const answers = await Promise.all(calls);
    expect(new Set(answers.map(({ status, reset }) => `${status} ${reset}`))).toEqual(new Set(["200 0"]));
    const text = ({ headers, trailers, body }: (typeof answers)[number]): string => `${String(trailers["grpc-status"] ?? headers["grpc-status"])} ${body.toString()}`;
    expect(answers.filter((of) => !/^4 |deadline_exceeded/.test(text(of)))).toEqual([]);
    expect((await raw.call("/livez", { ":method": "GET" })).status).toBe(200);
  });

  test("as they are when the caller resets them at once", async () => {
    let running = 0;
    await using server = await startMesh({ components: [silent(() => running++)], limits, drain: { graceMs: 0 } });
    using raw = new RawHttp2(server.address);
    const headers = { "content-type": "application/connect+json" };
    const streams = Array.from({ length: 30 }, () => raw.open("/greet.v1.GreetService/Chat", headers));
    for (const stream of streams) stream.write(envelope("{}"));
    await until(() => running === 30);
    for (const stream of streams) stream.close(constants.NGHTTP2_CANCEL);
    await until(() => raw.session.destroyed, { what: "the end of the connection" });
  });
});
