import assert from "node:assert/strict";
import { isUtf8 } from "node:buffer";
import { clone, create, isMessage, toBinary } from "@bufbuild/protobuf";
import { EmptySchema, ListValueSchema, ValueSchema } from "@bufbuild/protobuf/wkt";
import type { Value } from "@bufbuild/protobuf/wkt";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import type { Codec } from "../codec/codec.ts";
import { file, quota, sample, samples, struct } from "./codec-samples.ts";

const all = Object.values(samples).flat();

const carries = Object.entries(samples).map(([what, some]) => [
  `carries ${what}`,
  (codec: Codec): void => {
    for (const { desc, message } of some) {
      const { encode, decode } = bound(codec, desc);
      assert.deepEqual(decode(encode(message)), message);
    }
  },
]);

/** The cases of the codec suite, by what must be so. */
export const codecCases: Readonly<Record<string, (codec: Codec) => void>> = {
  "has a name, and a type that can stand in a content type": (codec) => {
    assert.notEqual(codec.name, "");
    assert.match(codec.type, /^[a-z0-9][a-z0-9!#$&^_.-]*$/);
  },

  ...(Object.fromEntries(carries) as Record<string, (codec: Codec) => void>),

  "carries map keys that JavaScript treats in a special way": (codec) => {
    const { encode, decode } = bound(codec, ErrorInfoSchema);
    const message = create(ErrorInfoSchema, { reason: "KEYS" });
    for (const key of ["__proto__", "constructor", "toString", "", "1", "a.b", "ключ"]) {
      // Assigned, __proto__ would not be a key.
      const own = { value: key, enumerable: true, configurable: true, writable: true };
      Object.defineProperty(message.metadata, key, own);
    }
    const decoded = decode(encode(message));
    assert.deepEqual(new Map(Object.entries(decoded.metadata)), new Map(Object.entries(message.metadata)));
    assert.equal(Object.getPrototypeOf(decoded.metadata), Object.prototype);
  },

  "carries long lists": (codec) => {
    const values = Array.from({ length: 66_000 }, (_, at) => numberValue(at));
    const { encode, decode } = bound(codec, ListValueSchema);
    assert.equal(decode(encode(create(ListValueSchema, { values }))).values.length, values.length);
  },

  "carries values in values, thirty deep": (codec) => {
    let value = numberValue(1);
    for (let depth = 0; depth < 30; depth++) {
      const list = create(ListValueSchema, { values: [value] });
      value = create(ValueSchema, { kind: { case: "listValue", value: list } });
    }
    const { encode, decode } = bound(codec, ValueSchema);
    assert.deepEqual(decode(encode(value)), value);
  },

  "makes messages of protobuf-es": (codec) => {
    for (const { desc, message } of all) {
      const { encode, decode } = bound(codec, desc);
      const decoded = decode(encode(message));
      assert.ok(isMessage(decoded, desc));
      assert.equal(toBinary(desc, decoded).length, toBinary(desc, message).length);
    }
  },

  "makes the same bytes of the same message, and does not touch it": (codec) => {
    for (const { desc, message } of all) {
      const { encode } = bound(codec, desc);
      const before = clone(desc, message);
      assert.ok(Buffer.from(encode(message)).equals(encode(message)));
      assert.deepEqual(message, before);
    }
  },

  "leaves bytes and messages alone that it made before": (codec) => {
    const { encode, decode } = bound(codec, quota.desc);
    const other = bound(codec, file.desc);
    const bytes = encode(quota.message);
    const copy = Buffer.from(bytes);
    const decoded = decode(bytes);
    for (let turn = 0; turn < 1000; turn++) other.decode(other.encode(file.message));
    assert.ok(copy.equals(bytes), "the bytes changed");
    assert.deepEqual(decoded, quota.message);
  },

  "makes messages that share nothing that can be changed": (codec) => {
    const { encode, decode } = bound(codec, quota.desc);
    const bytes = encode(create(quota.desc));
    const changed = decode(bytes) as unknown as { violations: unknown[] };
    changed.violations.push("changed");
    assert.deepEqual(decode(bytes), create(quota.desc));
  },

  "reads bytes from the middle of other bytes, and from a Buffer": (codec) => {
    for (const { desc, message } of [struct, quota]) {
      const { encode, decode } = bound(codec, desc);
      const bytes = encode(message);
      const around = new Uint8Array(bytes.length + 20).fill(0xff);
      around.set(bytes, 9);
      assert.deepEqual(decode(around.subarray(9, 9 + bytes.length)), message);
      assert.deepEqual(decode(Buffer.from(bytes)), message);
    }
  },

  "ignores fields that it does not know": (codec) => {
    const empty = bound(codec, EmptySchema);
    for (const { desc, message } of [file, quota]) {
      const decoded = empty.decode(bound(codec, desc).encode(message));
      assert.equal(isMessage(decoded, EmptySchema), true);
    }
  },

  "says so when bytes are not a message": (codec) => {
    const { decode } = bound(codec, file.desc);
    assert.throws(() => decode(Uint8Array.of(0xff, 0xff, 0xff)), speaks);
    assert.throws(() => decode(Uint8Array.of(0xc1)), speaks);
  },

  "fails or succeeds with any bytes, cut off or changed, but never anything else": (codec) => {
    const random = seeded(1);
    const info = sample(ErrorInfoSchema, { metadata: { a: "b" } });
    for (const { desc, message } of [file, quota, struct, info]) {
      const { encode, decode } = bound(codec, desc);
      const bytes = encode(message);
      for (let length = 0; length < bytes.length; length++) attempt(() => decode(bytes.slice(0, length)));
      for (let turn = 0; turn < 500; turn++) {
        const changed = Uint8Array.from(bytes);
        changed[Math.floor(random() * changed.length)] = Math.floor(random() * 256);
        attempt(() => decode(changed));
        attempt(() => decode(Uint8Array.from({ length: turn % 64 }, () => random() * 256)));
      }
    }
  },

  "makes UTF-8 if it says that it makes text": (codec) => {
    if (!codec.text) return;
    for (const { desc, message } of all) assert.ok(isUtf8(bound(codec, desc).encode(message)));
  },
};

/** The codec of a message type. */
function bound<D extends Parameters<Codec["compile"]>[0]>(codec: Codec, desc: D) {
  const compiled = codec.compile(desc);
  return {
    encode: (message: Parameters<typeof compiled.encode>[0]): Uint8Array => compiled.encode(message),
    decode: (bytes: Uint8Array): ReturnType<typeof compiled.decode> => compiled.decode(bytes),
  };
}

function numberValue(value: number): Value {
  return create(ValueSchema, { kind: { case: "numberValue", value } });
}

/** Whether an error says something. */
function speaks(error: unknown): boolean {
  return error instanceof Error && error.message !== "";
}

function attempt(run: () => unknown): void {
  try {
    run();
  } catch (error) {
    assert.ok(speaks(error), `threw ${String(error)}, which is not an error with a message`);
  }
}

/** Numbers from 0 to 1 that are the same in every run (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x100000000;
  };
}
