import { describe, expect, it } from "vitest";
import type { Codec } from "../../src/codec/codec.ts";
import { jsonCodec } from "../../src/codec/json.ts";
import { msgpackCodec } from "../../src/codec/msgpack.ts";
import { protobufCodec } from "../../src/codec/protobuf.ts";
import { testCodec } from "../../src/testing/codec.ts";

for (const codec of [protobufCodec, jsonCodec(), msgpackCodec()]) {
  describe(`the ${codec.name} codec`, () => {
    for (const one of testCodec({ codec })) it(one.name, one.run);
  });
}

describe("the codec suite", () => {
  /** Names of the cases that a codec fails. */
  async function failures(codec: Codec): Promise<readonly string[]> {
    const failed: string[] = [];
    for (const one of testCodec({ codec })) await one.run().catch(() => failed.push(one.name));
    return failed;
  }

  const json = jsonCodec();

  it("finds no fault with a good codec", async () => {
    expect(await failures(json)).toEqual([]);
  });

  it("finds a codec that reuses its memory", async () => {
    const memory = new Uint8Array(2_000_000);
    const codec: Codec = {
      ...json,
      compile: (desc) => {
        const inner = json.compile(desc);
        return {
          encode: (message) => {
            const bytes = inner.encode(message);
            memory.set(bytes);
            return memory.subarray(0, bytes.length);
          },
          decode: (bytes) => inner.decode(bytes),
        };
      },
    };
    expect(await failures(codec)).toContain("leaves bytes and messages alone that it made before");
  });

  it("finds a codec that throws what is no error, or says text and makes none", async () => {
    const codec: Codec = {
      ...protobufCodec,
      text: true,
      compile: (desc) => {
        const inner = protobufCodec.compile(desc);
        return {
          encode: (message) => inner.encode(message),
          decode: (bytes) => {
            try {
              return inner.decode(bytes);
            } catch {
              // eslint-disable-next-line no-throw-literal, typescript/only-throw-error
              throw "bad";
            }
          },
        };
      },
    };
    expect(await failures(codec)).toEqual([
      "says so when bytes are not a message",
      "fails or succeeds with any bytes, cut off or changed, but never anything else",
      "makes UTF-8 if it says that it makes text",
    ]);
  });

  it("finds a codec that loses what is not a decimal number", async () => {
    const codec: Codec = {
      ...json,
      compile: (desc) => {
        const inner = json.compile(desc);
        const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
        return {
          encode: (message) => inner.encode(message),
          decode: (bytes) => inner.decode(new TextEncoder().encode(text(bytes).replace('"NaN"', "0"))),
        };
      },
    };
    expect(await failures(codec)).toContain("carries floats, also those that are not numbers");
  });
});
