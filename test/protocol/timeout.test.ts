import { describe, expect, test } from "vitest";
import { boundTimeout, shortenTimeout } from "../../src/protocol/timeout.ts";

const bounds = { defaultMs: 30_000, maxMs: 300_000 };

function connect(value: string | undefined, of: { defaultMs: number | undefined; maxMs: number } = bounds) {
  const header = new Headers({ "content-type": "application/json" });
  if (value !== undefined) header.set("connect-timeout-ms", value);
  boundTimeout(header, of);
  return header.get("connect-timeout-ms");
}

function grpc(value: string | undefined, of: { defaultMs: number | undefined; maxMs: number } = bounds) {
  const header = new Headers({ "content-type": "application/grpc+proto" });
  if (value !== undefined) header.set("grpc-timeout", value);
  boundTimeout(header, of);
  return header.get("grpc-timeout");
}

describe("boundTimeout", () => {
  test("gives a call without a deadline the default one", () => {
    expect([connect(undefined), grpc(undefined)]).toEqual(["30000", "30000m"]);
  });

  test("leaves a stream without a deadline alone when there is no default", () => {
    const none = { defaultMs: undefined, maxMs: 2 ** 31 - 1 };
    expect([connect(undefined, none), grpc(undefined, none)]).toEqual([null, null]);
  });

  test("leaves deadlines within the bounds as they are", () => {
    expect([connect("1234"), connect("0"), grpc("1234m"), grpc("20S"), grpc("5n")]).toEqual([
      "1234",
      "0",
      "1234m",
      "20S",
      "5n",
    ]);
  });

  test("cuts longer ones, however long", () => {
    expect([connect("300001"), connect("9999999999")]).toEqual(["300000", "300000"]);
    expect([grpc("99999999H"), grpc("6M")]).toEqual(["300000m", "300000m"]);
  });

  test("stays within gRPC's eight digits, and within the bounds when it has to count in seconds", () => {
    expect(grpc("99999999H", { defaultMs: 1, maxMs: 2 ** 31 - 1 })).toBe("2147483S");
  });

  test.each(["-5", "1.5", "99999999999", "soon", ""])(
    "leaves the malformed %j for the protocol to refuse",
    (value) => {
      expect(connect(value)).toBe(value);
      expect(grpc(value)).toBe(value);
    },
  );
});

describe("shortenTimeout", () => {
  test.each([
    ["99999999m", "99999999m"],
    ["100000000m", "100000S"],
    ["2147483647m", "2147483S"],
    ["5S", "5S"],
    ["soon", "soon"],
    [undefined, null],
  ])("makes of %j the header %j", (value, expected) => {
    const header = new Headers(value === undefined ? {} : { "grpc-timeout": value });
    shortenTimeout(header);
    expect(header.get("grpc-timeout")).toBe(expected);
  });
});
