import { deepStrictEqual } from "node:assert/strict";
import { createRegistry, equals, fromBinary, toBinary, toJson } from "@bufbuild/protobuf";
import type { DescMessage } from "@bufbuild/protobuf";
import {
  AnySchema,
  DurationSchema,
  EmptySchema,
  FileDescriptorProtoSchema,
  StructSchema,
  TimestampSchema,
  ValueSchema,
} from "@bufbuild/protobuf/wkt";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AllKindsSchema, HelloSchema, TreeSchema } from "../../gen/bench/v1/bench_pb.ts";
import { msgpackCodec } from "../../src/codec/msgpack.ts";
import { arbitraryMessage } from "./arbitrary-message.ts";
import { oracleDecode, oracleEncode } from "./oracle.ts";

const anys: readonly DescMessage[] = [
  HelloSchema,
  AllKindsSchema,
  DurationSchema,
  StructSchema,
  ValueSchema,
  AnySchema,
];
const types: readonly DescMessage[] = [
  AllKindsSchema,
  TreeSchema,
  ValueSchema,
  TimestampSchema,
  EmptySchema,
  FileDescriptorProtoSchema,
];
const registry = createRegistry(...anys);
const codec = msgpackCodec({ registry });
const seed = 20_260_101;

describe("MessagePack of any message", () => {
  for (const desc of types) {
    const compiled = codec.compile(desc);

    it(`carries ${desc.typeName} as protobuf does`, () => {
      fc.assert(
        fc.property(arbitraryMessage(desc, { anys }), (message) => {
          const carried = compiled.decode(compiled.encode(message));
          deepStrictEqual(carried, fromBinary(desc, toBinary(desc, message)));
          deepStrictEqual(toBinary(desc, carried), toBinary(desc, message));
        }),
        { seed, numRuns: 250 },
      );
    });

    it(`writes ${desc.typeName} so that another library reads it and writes it again`, () => {
      fc.assert(
        fc.property(arbitraryMessage(desc, { finite: true }), (message) => {
          const bytes = compiled.encode(message);
          // The other library refuses this key.
          fc.pre(!Buffer.from(bytes).includes("__proto__"));
          const again = compiled.decode(oracleEncode(oracleDecode(bytes)));
          expect(equals(desc, again, message)).toBe(true);
        }),
        { seed, numRuns: 150 },
      );
    });

    it(`reads ${desc.typeName} from its ProtoJSON in MessagePack, bytes aside`, () => {
      fc.assert(
        fc.property(arbitraryMessage(desc, { anys, finite: true, textual: true }), (message) => {
          const read = compiled.decode(oracleEncode(toJson(desc, message, { registry })));
          expect(equals(desc, read, message)).toBe(true);
        }),
        { seed, numRuns: 150 },
      );
    });
  }
});
