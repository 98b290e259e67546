// Compares the codecs: time of encode plus decode, and size, for each bench message.
//
//   node bench/codec.ts [seconds per message, default 3]
//
// The codecs take turns of a few milliseconds each, so that whatever else the
// machine does hits all of them; each figure is the median of its turns.
import { equals } from "@bufbuild/protobuf";
import type { Codec } from "../src/codec/codec.ts";
import { jsonCodec } from "../src/codec/json.ts";
import { msgpackCodec } from "../src/codec/msgpack.ts";
import { protobufCodec } from "../src/codec/protobuf.ts";
import { type BenchMessage, benchMessages } from "./codec-messages.ts";

const codecs: readonly Codec[] = [protobufCodec, jsonCodec(), msgpackCodec()];
const turnNanos = 4e6;

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
  return {
    name: codec.name,
    size: bytes.length,
    encode: () => compiled.encode(message),
    decode: () => compiled.decode(bytes),
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

function measure(message: BenchMessage, seconds: number): readonly Lane[] {
  const lanes = codecs.map((codec) => lane(codec, message));
  for (const { encode, decode } of lanes) {
    turn(encode, 3000);
    turn(decode, 3000);
  }
  const repeats = lanes.map(({ encode, decode }) =>
    [encode, decode].map((run) => Math.max(1, Math.round(turnNanos / turn(run, 300)))),
  );
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    for (const [at, { encode, decode, encodeNanos, decodeNanos }] of lanes.entries()) {
      encodeNanos.push(turn(encode, repeats[at]?.[0] ?? 1));
      decodeNanos.push(turn(decode, repeats[at]?.[1] ?? 1));
    }
  }
  return lanes;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

function both({ encodeNanos, decodeNanos }: Lane): number {
  return median(encodeNanos) + median(decodeNanos);
}

const seconds = Number(process.argv[2] ?? 3);
console.log("message    codec       bytes   /json  encode ns  decode ns    both ns   /json");
for (const message of benchMessages) {
  const lanes = measure(message, seconds);
  const json = lanes.find(({ name }) => name === "json") as Lane;
  for (const one of lanes) {
    const times = [median(one.encodeNanos), median(one.decodeNanos), both(one)];
    console.log(
      message.name.padEnd(10),
      one.name.padEnd(9),
      String(one.size).padStart(7),
      (one.size / json.size).toFixed(2).padStart(7),
      ...times.map((time) => String(Math.round(time)).padStart(10)),
      (both(one) / both(json)).toFixed(2).padStart(7),
    );
  }
}
