// The messages that codecs are measured with.
import { create } from "@bufbuild/protobuf";
import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import {
  AllKindsSchema,
  BlobSchema,
  Color,
  RecordSchema,
  type Tree,
  TreeSchema,
} from "../gen/bench/v1/bench_pb.ts";
import { messages } from "./messages.ts";

/** A message under measure. */
export interface BenchMessage<D extends DescMessage = DescMessage> {
  readonly name: string;
  readonly desc: D;
  readonly message: MessageShape<D>;
}

function bench<D extends DescMessage>(name: string, desc: D, init: MessageInitShape<D>): BenchMessage {
  return { name, desc, message: create(desc, init) };
}

function tree(depth: number, width: number, id: bigint): Tree {
  const ids = Array.from({ length: depth === 0 ? 0 : width }, (_, at) => id * 10n + BigInt(at));
  const children = ids.map((child) => tree(depth - 1, width, child));
  return create(TreeSchema, { name: `node ${id}`, id, children });
}

/** The messages that servers are measured with, and others. */
export const benchMessages: readonly BenchMessage[] = [
  ...messages,
  bench("short record", RecordSchema, {
    i: 123_456,
    f: 0.5,
    b: true,
    s: "a string of a record",
    ...Object.fromEntries(Array.from({ length: 10 }, (_, at) => [`str${at}`, `string number ${at}`])),
  }),
  bench("large tree", TreeSchema, tree(4, 3, 1n)),
  bench("small blob", BlobSchema, { data: new Uint8Array(4096).fill(200) }),
  bench("all kinds", AllKindsSchema, {
    doubleValue: Math.PI,
    floatValue: 1.5,
    int32Value: -42,
    int64Value: 1_700_000_000_000n,
    uint64Value: 2n ** 63n,
    boolValue: true,
    stringValue: "some text with a snowman ☃",
    bytesValue: new Uint8Array(32).fill(7),
    enumValue: Color.RED,
    nested: { name: "nested", number: 7n, child: { name: "child" } },
    optionalInt32: 0,
    repeatedDouble: [0.1, 0.2, 0.3],
    repeatedInt32: [1, 20, 300, 4000],
    repeatedString: ["one", "two", "three"],
    repeatedNested: [{ name: "a" }, { name: "b" }],
    int32Map: { 1: 10, 2: 20 },
    stringMap: { first: { name: "first" } },
    choice: { case: "choiceString", value: "chosen" },
    stringWrapper: "wrapped",
    timestamp: { seconds: 1_700_000_000n, nanos: 123_000_000 },
    duration: { seconds: 3n, nanos: 500_000_000 },
    fieldMask: { paths: ["int32_value", "nested.name"] },
    struct: { name: "struct", list: [1, "two", null], inner: { yes: true } },
  }),
];
