import type { Codec } from "../codec/codec.ts";
import { codecCases } from "./codec-cases.ts";

/** One case of a conformance suite, for any test runner: `it(one.name, one.run)`. */
export interface CodecCase {
  /** What must be so, as a sentence. */
  readonly name: string;
  /** Resolves when it is so, rejects when it is not. */
  readonly run: () => Promise<void>;
}

/** Options of {@link testCodec}. */
export interface TestCodecOptions {
  /** The codec to test. */
  readonly codec: Codec;
}

/**
 * What every codec must do, as a list of cases:
 *
 * ```ts
 * for (const one of testCodec({ codec })) it(one.name, one.run);
 * ```
 *
 * The messages are well-known types and errors of `google.rpc`: messages of
 * proto2 and proto3 with fields of all kinds, except filled `Any`s, for which
 * codecs may need types that they do not have.
 */
export function testCodec(options: TestCodecOptions): readonly CodecCase[] {
  return Object.entries(codecCases).map(([name, test]) => ({
    name,
    run: async () => {
      test(options.codec);
    },
  }));
}
