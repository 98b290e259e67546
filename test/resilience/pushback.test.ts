import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { parsePushback, pushbackHeader, pushbackOf } from "../../src/resilience/pushback.ts";

function failure(header: Record<string, string> | Headers, retryDelay?: { seconds: bigint; nanos?: number }): ConnectError {
  const details = retryDelay === undefined ? [] : [{ desc: RetryInfoSchema, value: { retryDelay } }];
  return new ConnectError("no", Code.Unavailable, header, details);
}

describe("parsePushback", () => {
  test.each([
    ["0", 0],
    ["1", 1],
    ["100", 100],
    ["1000", 1_000],
    ["2147483647", 2_147_483_647],
  ])("reads %s", (value, ms) => {
    expect(parsePushback(value)).toBe(ms);
  });

  // gRFC A6: negative or unparseable means that the server does not want the call again.
  test.each([
    "-1",
    "-0",
    "-2147483648",
    "",
    " ",
    "xxx",
    "abc",
    "1.5",
    "1e3",
    "0x10",
    "+5",
    "007",
    "00",
    "5 ",
    " 5",
    "5ms",
    "100, 10",
    "2147483648",
    "9999999999",
    "99999999999999999999",
    "NaN",
    "Infinity",
    "٥",
  ])("takes %j as never", (value) => {
    expect(parsePushback(value)).toBe("never");
  });
});

describe("pushbackOf", () => {
  test("is nothing when the server says nothing", () => {
    expect(pushbackOf(failure({}))).toBeUndefined();
  });

  test("is the header, in any case of its name", () => {
    expect(pushbackHeader).toBe("grpc-retry-pushback-ms");
    expect(pushbackOf(failure({ "Grpc-Retry-Pushback-Ms": "42" }))).toBe(42);
    expect(pushbackOf(failure({ [pushbackHeader]: "xxx" }))).toBe("never");
  });

  test("is never when the header comes more than once", () => {
    const header = new Headers();
    header.append(pushbackHeader, "100");
    header.append(pushbackHeader, "10");
    expect(pushbackOf(failure(header))).toBe("never");
  });

  test("is the RetryInfo of the details where there is no header", () => {
    expect(pushbackOf(failure({}, { seconds: 1n, nanos: 500_000_000 }))).toBe(1_500);
    expect(pushbackOf(failure({}, { seconds: 0n, nanos: 1 }))).toBe(1);
    expect(pushbackOf(failure({}, { seconds: 0n }))).toBe(0);
    expect(pushbackOf(failure({}, { seconds: -1n }))).toBe("never");
    expect(pushbackOf(failure({}, { seconds: 99_999_999_999n }))).toBe(2_147_483_647);
    expect(pushbackOf(failure({ [pushbackHeader]: "7" }, { seconds: 1n }))).toBe(7);
  });

  test("is nothing when the RetryInfo has no delay", () => {
    const error = new ConnectError("no", Code.Unavailable, {}, [{ desc: RetryInfoSchema, value: {} }]);
    expect(pushbackOf(error)).toBeUndefined();
  });
});
