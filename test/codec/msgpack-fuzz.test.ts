import { toBinary } from "@bufbuild/protobuf";
import type { DescMessage } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, ValueSchema } from "@bufbuild/protobuf/wkt";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AllKindsSchema, HelloSchema } from "../../gen/bench/v1/bench_pb.ts";
import { arbitraryMessage } from "./arbitrary-message.ts";
import { codec } from "./kinds.ts";

const seed = 20_260_102;
const types: readonly DescMessage[] = [AllKindsSchema, ValueSchema, HelloSchema, FileDescriptorProtoSchema];

/** MessagePack of any shape, whatever it means. */
const shapes = fc.letrec<{ value: Uint8Array[] }>((tie) => {
  const bytes = (...list: number[]): Uint8Array => Uint8Array.from(list);
  const flat = fc.oneof(
    fc.integer({ min: 0, max: 255 }).map((code) => [bytes(code)]),
    fc.uint8Array({ minLength: 1, maxLength: 12 }).map((some) => [some]),
    fc.constantFrom(...AllKindsSchema.fields).map((field) => [text(field.jsonName)]),
    fc.constantFrom(0xcc, 0xcd, 0xce, 0xcf, 0xd3, 0xca, 0xcb).map((code) => [bytes(code), new Uint8Array(8)]),
  );
  const list = fc
    .array(tie("value"), { maxLength: 5 })
    .map((items) => [bytes(0x90 | items.length), ...items.flat()]);
  const map = fc
    .array(fc.tuple(fc.constantFrom(...AllKindsSchema.fields), tie("value")), { maxLength: 5 })
    .map((entries) => [
      bytes(0x80 | entries.length),
      ...entries.flatMap(([field, value]) => [text(field.jsonName), ...value]),
    ]);
  return { value: fc.oneof({ depthSize: "small" }, flat, list, map) };
}).value.map((parts) => Uint8Array.from(Buffer.concat(parts)));

function text(value: string): Uint8Array {
  return Uint8Array.from([0xa0 | (value.length & 31), ...Buffer.from(value)]);
}

/** Reads bytes, or fails as one should. Whatever was read can be written and read again. */
function attempt(desc: DescMessage, bytes: Uint8Array): void {
  const compiled = codec.compile(desc);
  let message: ReturnType<typeof compiled.decode>;
  try {
    message = compiled.decode(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(Error);
    // Errors of the reader say where; "not in the type registry" has no place of its own.
    expect((error as Error).message).toMatch(/\(at byte \d+\)$|type registry/);
    return;
  }
  const again = encoded(() => compiled.encode(message));
  if (again !== undefined) expect(toBinary(desc, compiled.decode(again))).toEqual(toBinary(desc, message));
}

/** The bytes, or undefined when a change of bytes took away what proto2 requires. */
function encoded(run: () => Uint8Array): Uint8Array | undefined {
  try {
    return run();
  } catch (error) {
    expect((error as Error).message).toContain("the field is required, but not set");
    return undefined;
  }
}

describe("MessagePack of any bytes", () => {
  for (const desc of types) {
    it(`is read as ${desc.typeName} or refused: random bytes`, () => {
      const property = fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => attempt(desc, bytes));
      fc.assert(property, { seed, numRuns: 2000 });
    });

    it(`is read as ${desc.typeName} or refused: random shapes`, () => {
      fc.assert(fc.property(shapes, (bytes) => attempt(desc, bytes)), { seed, numRuns: 2000 });
    });

    it(`is read as ${desc.typeName} or refused: messages with changed bytes`, () => {
      const changes = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 3 });
      fc.assert(
        fc.property(arbitraryMessage(desc), changes, fc.nat({ max: 5 }), (message, changed, cut) => {
          const encoded = codec.compile(desc).encode(message);
          const bytes = encoded.slice(0, cut === 0 ? Math.floor(encoded.length / 2) : encoded.length);
          for (const [at, byte] of changed) if (bytes.length > 0) bytes[at % bytes.length] = byte;
          attempt(desc, bytes);
        }),
        { seed, numRuns: 300 },
      );
    });
  }

  it("never takes more memory than its length allows, or longer than a moment", () => {
    const compiled = codec.compile(AllKindsSchema);
    const declared = ["dd", "df", "db", "c6", "c9"].map((code) => Buffer.from(`${code}7fffffff`, "hex"));
    const before = process.memoryUsage();
    for (const head of declared) {
      for (const { jsonName } of AllKindsSchema.fields) {
        const bytes = Buffer.concat([Uint8Array.of(0x81), text(jsonName), head, Buffer.alloc(100)]);
        expect(() => compiled.decode(bytes)).toThrow(/\(at byte \d+\)$/);
      }
    }
    const after = process.memoryUsage();
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(10_000_000);
    expect(after.heapUsed - before.heapUsed).toBeLessThan(100_000_000);
  });
});
