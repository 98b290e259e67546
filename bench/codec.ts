// Compares the codecs with each other and with libraries: the time to encode and
// to decode, and the size, for each bench message.
//
//   node bench/codec.ts [rounds, default 60] [names of messages, with commas between]
//
// All of them take turns of some milliseconds, round for round, so that whatever
// else the machine does hits all; each figure is the median of its turns. Before,
// all messages went through all codecs, as in a server that serves many types.
import { equals, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { Codec } from "../src/codec/codec.ts";
import { jsonCodec } from "../src/codec/json.ts";
import { msgpackCodec } from "../src/codec/msgpack.ts";
import { protobufCodec } from "../src/codec/protobuf.ts";
import { type BenchMessage, benchMessages } from "./codec-messages.ts";
import { protobufjs } from "./codec-protobufjs.ts";

const protobufEs: Codec = {
  ...protobufCodec,
  name: "protobuf-es",
  compile: (desc) => ({
    encode: (message) => toBinary(desc, message),
    decode: (bytes) => fromBinary(desc, bytes),
  }),
};

const codecs: readonly Codec[] = [protobufCodec, protobufEs, msgpackCodec(), jsonCodec()];
const peer = "protobufjs";
const turnNanos = 2e6;

/** One codec and one message, ready to run. */
interface Lane {
  readonly name: string;
  readonly size: number;
  readonly encode: () => unknown;
  readonly decode: () => unknown;
  readonly encodeNanos: number[];
  readonly decodeNanos: number[];
}

function lane(codec: Codec, { desc, message }: BenchMessage): Lane {
  const compiled = codec.compile(desc);
  const bytes = compiled.encode(message);
  if (!equals(desc, compiled.decode(bytes), message)) {
    throw new Error(`${codec.name} changes ${desc.typeName}`);
  }
  const encode = (): unknown => compiled.encode(message);
  const decode = (): unknown => compiled.decode(bytes);
  return { name: codec.name, size: bytes.length, encode, decode, encodeNanos: [], decodeNanos: [] };
}

const compilePeer = await protobufjs();

function peerLane({ desc, message }: BenchMessage): Lane {
  const { encode, decode } = compilePeer(desc);
  const bytes = toBinary(desc, message);
  const theirs = decode(bytes);
  return {
    name: peer,
    size: encode(theirs).length,
    encode: () => encode(theirs),
    decode: () => decode(bytes),
    encodeNanos: [],
    decodeNanos: [],
  };
}

/** Nanoseconds of one call, on average over one turn. */
function turn(run: () => unknown, repeat: number): number {
  const start = process.hrtime.bigint();
  for (let index = 0; index < repeat; index++) run();
  return Number(process.hrtime.bigint() - start) / repeat;
}

function repeatOf(run: () => unknown): number {
  return Math.max(1, Math.round(turnNanos / turn(run, 100)));
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

const rounds = Number(process.argv[2] ?? 60);
const wanted = process.argv[3]?.split(",");
const races = benchMessages
  .filter(({ name }) => wanted?.includes(name) ?? true)
  .map((message) => {
    const lanes = [peerLane(message), ...codecs.map((codec) => lane(codec, message))];
    return { message, lanes };
  });
const all = races.flatMap(({ lanes }) => lanes);
for (let warm = 0; warm < 3; warm++) {
  for (const { encode, decode } of all) {
    turn(encode, 1500);
    turn(decode, 1500);
  }
}
const repeats = all.map(({ encode, decode }) => [repeatOf(encode), repeatOf(decode)] as const);
for (let round = 0; round < rounds; round++) {
  for (const [at, { encode, decode, encodeNanos, decodeNanos }] of all.entries()) {
    const [encodes, decodes] = repeats[at] ?? [1, 1];
    encodeNanos.push(turn(encode, encodes));
    decodeNanos.push(turn(decode, decodes));
  }
}

console.log(`message       codec          bytes  encode ns  /${peer}  decode ns  /${peer}`);
for (const { message, lanes } of races) {
  const [first] = lanes;
  for (const { name, size, encodeNanos, decodeNanos } of lanes) {
    const share = (of: readonly number[], to: readonly number[] = []): string =>
      (median(of) / median(to)).toFixed(2).padStart(peer.length + 1);
    console.log(
      message.name.padEnd(13),
      name.padEnd(12),
      String(size).padStart(7),
      median(encodeNanos).toFixed(0).padStart(10),
      share(encodeNanos, first?.encodeNanos),
      median(decodeNanos).toFixed(0).padStart(10),
      share(decodeNanos, first?.decodeNanos),
    );
  }
}
