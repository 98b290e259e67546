import type { DescMessage } from "@bufbuild/protobuf";
import { StructSchema } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { GreetRequestSchema } from "../../gen/greet/v1/greet_pb.ts";
import {
  ImportRequestSchema,
  PingRequestSchema,
  RegisterRequestSchema,
  SearchResponseSchema,
} from "../../gen/validated/v1/validated_pb.ts";
import { hasRules } from "../../src/validation/rules.ts";

test.each<[DescMessage, boolean]>([
  [RegisterRequestSchema, true],
  [ImportRequestSchema, true],
  [SearchResponseSchema, true],
  [PingRequestSchema, false],
  [GreetRequestSchema, false],
  // Contains itself.
  [StructSchema, false],
])("whether %s has rules, itself or in what it contains, is %s", (desc, expected) => {
  expect(hasRules(desc)).toBe(expected);
});
