import { deepStrictEqual } from "node:assert/strict";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import type { DescMessage, Message, UnknownField } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { protobufCodec } from "../../src/codec/protobuf.ts";
import { Random } from "./protobuf-random.ts";
import { randomMessage } from "./protobuf-random-message.ts";
import { mutated, randomWire } from "./protobuf-random-wire.ts";
import { allTypes } from "./protobuf-types.ts";

/** Rounds of each test for each type. */
const rounds = Number(process.env["FUZZ_ROUNDS"] ?? 25);

const types = await allTypes();

/** Numbers of the singular fields of closed enums, by the names of types. */
const closed = new Map(
  types.map(({ typeName, fields }) => {
    const some = fields.filter((field) => field.fieldKind === "enum" && !field.enum.open);
    return [typeName, new Set(some.map(({ number }) => number))];
  }),
);

interface Outcome<T> {
  readonly value?: T;
  readonly error?: Error;
}

function outcome<T>(run: () => T): Outcome<T> {
  try {
    return { value: run() };
  } catch (error) {
    return { error: error as Error };
  }
}

/**
 * What a message has in common with the one that protobuf-es reads. It forgets
 * values that a closed enum does not have when there are unknown fields as well.
 */
function forgetful(value: unknown): void {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return;
  const { $typeName: name, $unknown: unknown } = value as Partial<Message>;
  const numbers = closed.get(name ?? "");
  if (unknown !== undefined && numbers !== undefined) {
    const others = unknown.filter(({ no }: UnknownField) => !numbers.has(no));
    if (others.length > 0) (value as Message).$unknown = others;
  }
  for (const inner of Object.values(value)) forgetful(inner);
}

/** What an error says and is. */
function told(error: Error | undefined): readonly unknown[] {
  return [error?.message, error?.name, error?.constructor];
}

/** The names of a message's properties in their order, but for one that is added at another time. */
function propertiesOf(message: Message | undefined): readonly string[] {
  return Object.keys(message ?? {}).filter((name) => name !== "$unknown");
}

function compareDecoded(desc: DescMessage, bytes: Uint8Array): void {
  const hex = Buffer.from(bytes).toString("hex");
  const theirs = outcome(() => fromBinary(desc, bytes));
  const ours = outcome(() => protobufCodec.compile(desc).decode(bytes));
  if (theirs.error !== undefined || ours.error !== undefined) {
    expect([ours.error === undefined, hex]).toEqual([theirs.error === undefined, hex]);
    // What is too short is said to be so at once, not after what there is was read.
    const early = ours.error instanceof RangeError && ours.error.message === "premature EOF";
    if (!early) expect(told(ours.error)).toEqual(told(theirs.error));
    return;
  }
  forgetful(theirs.value);
  forgetful(ours.value);
  deepStrictEqual(ours.value, theirs.value, `${desc.typeName} of ${hex}`);
  expect(propertiesOf(ours.value)).toEqual(propertiesOf(theirs.value));
}

function compareEncoded(desc: DescMessage, message: Message): Uint8Array | undefined {
  const theirs = outcome(() => toBinary(desc, message));
  const ours = outcome(() => protobufCodec.compile(desc).encode(message));
  if (theirs.error !== undefined || ours.error !== undefined) {
    // protobuf-es says of what is no bytes that its length is no uint32.
    const clearer = ours.error?.message.includes("invalid bytes: ") === true && theirs.error !== undefined;
    if (!clearer) expect(told(ours.error)).toEqual(told(theirs.error));
    return undefined;
  }
  const hex = (bytes: Uint8Array = new Uint8Array(0)): string => Buffer.from(bytes).toString("hex");
  expect(hex(ours.value)).toBe(hex(theirs.value));
  return ours.value;
}

/** Runs a test for each type with random choices of its own, and says how to repeat what failed. */
function forEachType(seed: number, run: (desc: DescMessage, random: Random) => void): void {
  for (const [at, desc] of types.entries()) {
    for (let round = 0; round < rounds; round++) {
      const own = seed + at * 100_003 + round;
      try {
        run(desc, new Random(own));
      } catch (error) {
        throw new Error(`${desc.typeName} with the seed ${own}`, { cause: error });
      }
    }
  }
}

test("there are types to test with", () => {
  expect(types.length).toBeGreaterThan(200);
});

test("messages are written as protobuf-es writes them, byte for byte, and read as it reads them", () => {
  let written = 0;
  forEachType(20_260_301, (desc, random) => {
    const bytes = compareEncoded(desc, randomMessage(random, desc));
    if (bytes === undefined) return;
    written++;
    compareDecoded(desc, bytes);
  });
  expect(written).toBeGreaterThan(types.length * rounds * 0.9);
});

test("messages with values that are none of their type are refused or written as by protobuf-es", () => {
  let refused = 0;
  forEachType(20_260_302, (desc, random) => {
    if (compareEncoded(desc, randomMessage(random, desc, { odd: 0.2 })) === undefined) refused++;
  });
  expect(refused).toBeGreaterThan(types.length * rounds * 0.1);
});

test("what could be on the wire is read as by protobuf-es", () => {
  forEachType(20_260_303, (desc, random) => compareDecoded(desc, randomWire(random, desc)));
});

test("what was read is written again as by protobuf-es, with all that is unknown", () => {
  forEachType(20_260_304, (desc, random) => {
    const read = outcome(() => protobufCodec.compile(desc).decode(randomWire(random, desc)));
    if (read.value !== undefined) compareEncoded(desc, read.value);
  });
});

test("changed bytes are read or refused as by protobuf-es", () => {
  forEachType(20_260_305, (desc, random) => {
    const wire = random.chance(0.5);
    const made = outcome(() => (wire ? randomWire(random, desc) : toBinary(desc, randomMessage(random, desc))));
    if (made.value !== undefined) compareDecoded(desc, mutated(random, made.value));
  });
});

test("any bytes are read or refused as by protobuf-es", () => {
  forEachType(20_260_306, (desc, random) => {
    compareDecoded(desc, Uint8Array.from({ length: random.below(40) }, () => random.below(256)));
  });
});
