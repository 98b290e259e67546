import { describe, expect, test } from "vitest";
import { encodeGrpcMessage, tidyGrpcMessage } from "../../../src/protocol/grpc/message.ts";

describe("a grpc-message", () => {
  test.each([
    ["keeps printable ASCII", "no such thing; use a, b or c? (1/2)", "no such thing; use a, b or c? (1/2)"],
    ["encodes the percent sign", "100%", "100%25"],
    ["encodes what is not printable", "a\r\n\tb\u007f", "a%0D%0A%09b%7F"],
    ["encodes all else as UTF-8", "Grüße 👋", "Gr%C3%BC%C3%9Fe %F0%9F%91%8B"],
    ["replaces half a surrogate pair", "a\ud83d!", "a%EF%BF%BD!"],
  ])("%s", (_what, message, encoded) => {
    expect(encodeGrpcMessage(message)).toBe(encoded);
    expect(decodeURIComponent(encoded)).toBe(message.toWellFormed());
  });

  test("of an error is encoded again, and one of a success is left alone", () => {
    const failed = new Headers({ "grpc-status": "3", "grpc-message": encodeURIComponent("a; 50% of ü") });
    tidyGrpcMessage(failed);
    expect(failed.get("grpc-message")).toBe("a; 50%25 of %C3%BC");
    const fine = new Headers({ "grpc-status": "0", "grpc-message": "50%" });
    tidyGrpcMessage(fine);
    expect(fine.get("grpc-message")).toBe("50%");
  });
});
