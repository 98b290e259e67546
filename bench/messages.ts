import { create } from "@bufbuild/protobuf";
import type { DescMessage, DescMethodUnary, MessageShape } from "@bufbuild/protobuf";
import {
  BenchService,
  BlobSchema,
  HelloSchema,
  RecordSchema,
  TreeSchema,
} from "../gen/bench/v1/bench_pb.ts";
import type { Tree } from "../gen/bench/v1/bench_pb.ts";

/** A message that every contender sends and gets back. */
export interface BenchMessage {
  readonly name: string;
  readonly desc: DescMessage;
  readonly method: DescMethodUnary;
  readonly message: MessageShape<DescMessage>;
}

const lorem =
  "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore et dolore magna aliqua.";

/** The flat record of the aspyx-service benchmark: about 1.4 kB as JSON. */
const text = lorem.slice(0, 122);
const record = create(RecordSchema, {
  i: 1,
  f: 1.5,
  b: true,
  s: "s",
  str0: text,
  str1: text,
  str2: text,
  str3: text,
  str4: text,
  str5: text,
  str6: text,
  str7: text,
  str8: text,
  str9: text,
});

/** A node with three children, each with three: 13 nodes. */
function tree(depth: number, id: number): Tree {
  return create(TreeSchema, {
    name: `node ${id}`,
    id: BigInt(id),
    children:
      depth === 0 ? [] : [1, 2, 3].map((child) => tree(depth - 1, id * 10 + child)),
  });
}

/** The messages of the benchmark, by name. */
export const messages: readonly BenchMessage[] = [
  {
    name: "hello",
    desc: HelloSchema,
    method: BenchService.method.echoHello,
    message: create(HelloSchema, { message: "hello world" }),
  },
  { name: "record", desc: RecordSchema, method: BenchService.method.echoRecord, message: record },
  { name: "tree", desc: TreeSchema, method: BenchService.method.echoTree, message: tree(2, 1) },
  {
    name: "blob",
    desc: BlobSchema,
    method: BenchService.method.echoBlob,
    message: create(BlobSchema, { data: new Uint8Array(65_536).fill(7) }),
  },
];

/** The message of a name. */
export function messageOf(name: string): BenchMessage {
  const found = messages.find((message) => message.name === name);
  if (found === undefined) throw new Error(`no message ${name}`);
  return found;
}
