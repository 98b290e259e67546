import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { answerEncoding } from "../../../src/protocol/rest/encoding.ts";
import { formatFor } from "../../../src/protocol/rest/format.ts";
import { timeoutOf, translateTimeout } from "../../../src/protocol/rest/timeout.ts";

describe("the deadline of a request", () => {
  test.each<readonly [Record<string, string>, number | undefined]>([
    [{}, undefined],
    [{ "connect-timeout-ms": "500" }, 500],
    [{ "grpc-timeout": "2S" }, 2_000],
    [{ "grpc-timeout": "100m" }, 100],
    [{ "grpc-timeout": "1H" }, 3_600_000],
    [{ "grpc-timeout": "1500u" }, 2],
    [{ "x-server-timeout": "1.5" }, 1_500],
    [{ "x-server-timeout": "0.0001" }, 1],
    [{ "x-server-timeout": "0" }, 0],
    [{ "x-server-timeout": "3." }, 3_000],
    [{ "grpc-timeout": "99999999H" }, 9_999_999_999],
    [{ "connect-timeout-ms": "900", "grpc-timeout": "800m", "x-server-timeout": "0.7" }, 700],
    [{ "connect-timeout-ms": "600", "grpc-timeout": "800m" }, 600],
  ])("%j is %j ms", (headers, ms) => {
    translateTimeout(headers);
    expect(timeoutOf(new Headers(headers))).toBe(ms);
  });

  test.each<Record<string, string>>([
    { "connect-timeout-ms": "1.5" },
    { "grpc-timeout": "5" },
    { "grpc-timeout": "100000000m" },
    { "x-server-timeout": "-1" },
    { "x-server-timeout": "1e3" },
    { "x-server-timeout": "soon" },
    { "connect-timeout-ms": "5", "x-server-timeout": "soon" },
  ])("%j is malformed", (headers) => {
    translateTimeout(headers);
    const timeout = timeoutOf(new Headers(headers));
    expect(timeout).toBeInstanceOf(ConnectError);
    expect((timeout as ConnectError).code).toBe(Code.InvalidArgument);
  });
});

test.each([
  [null, "x-ndjson"],
  ["*/*", "x-ndjson"],
  ["text/event-stream", "event-stream"],
  ["Text/Event-Stream; q=0.5", "event-stream"],
  ["text/html, text/event-stream", "event-stream"],
  ["text/event-stream;q=0", "x-ndjson"],
  ["application/x-ndjson, text/event-stream", "x-ndjson"],
])("who accepts %j gets %s", (accept, format) => {
  expect(formatFor(accept).contentType).toContain(format);
});

test.each([
  ["gzip, br", 2_000, "gzip"],
  ["br;q=1.0, gzip", 2_000, "br"],
  ["gzip;q=0, br", 2_000, "br"],
  ["gzip;q=0.0", 2_000, undefined],
  ["deflate", 2_000, undefined],
  ["gzip", 100, undefined],
  ["", 2_000, undefined],
])("who accepts %j gets %i bytes as %j", (accept, size, name) => {
  expect(answerEncoding(new Headers({ "accept-encoding": accept }), size)?.name).toBe(name);
});
