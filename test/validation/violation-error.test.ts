import { toBinary } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { BadRequestSchema, ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { RegisterRequestSchema } from "../../gen/validated/v1/validated_pb.ts";
import type { Violation } from "../../src/validation/library.ts";
import { violationError } from "../../src/validation/violation-error.ts";

const { scores } = RegisterRequestSchema.field;

function atKey(key: string, message = "must be short"): Violation {
  return { message, ruleId: "test.rule", field: [scores, { kind: "map_sub", key }], forKey: false };
}

test("one violation is told in the message as well", () => {
  const error = violationError(RegisterRequestSchema, [atKey("x")]);
  expect(error.code).toBe(Code.InvalidArgument);
  expect(error.rawMessage).toBe(
    'validated.v1.RegisterRequest is not valid: scores["x"]: must be short; see the field violations',
  );
});

test("a rule of the whole message has no field", () => {
  const violation: Violation = { message: "must be better", ruleId: "better", field: [], forKey: false };
  const error = violationError(RegisterRequestSchema, [violation]);
  expect(error.rawMessage).toBe(
    "validated.v1.RegisterRequest is not valid: must be better; see the field violations",
  );
  const [details] = error.findDetails(BadRequestSchema);
  expect(details?.fieldViolations[0]).toMatchObject({ field: "", description: "must be better" });
});

test("the error stays small enough for trailers, whatever the caller sent", () => {
  for (const key of ["k", "k".repeat(100_000), "é".repeat(1_000)]) {
    const violations = Array.from({ length: 10_000 }, (_, at) => atKey(`${key}${at}`));
    const error = violationError(RegisterRequestSchema, violations);
    const [details] = error.findDetails(BadRequestSchema);
    expect(details?.fieldViolations.length).toBeGreaterThan(0);
    expect(toBinary(BadRequestSchema, details!).length).toBeLessThan(4_096);
    expect(error.rawMessage.length).toBeLessThan(700);
    expect(error.findDetails(ErrorInfoSchema)[0]?.metadata["violations"]).toBe("10000");
  }
});

test("half a character from the caller does not break the error", () => {
  const error = violationError(RegisterRequestSchema, [atKey("\ud800"), atKey("😀".repeat(200))]);
  expect(error.rawMessage.isWellFormed()).toBe(true);
  const [details] = error.findDetails(BadRequestSchema);
  expect(details?.fieldViolations.map(({ field }) => field.isWellFormed())).toEqual([true, true]);
});
