import { Failure } from "./failure.ts";
import type { MessageForm, Properties } from "./form.ts";
import type { Reader } from "./reader.ts";

/** Type of MessagePack's timestamp extension. */
const extensionType = -1;

/** 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z: the range of `google.protobuf.Timestamp`. */
const earliest = -62135596800;
const latest = 253402300799;

const rfc3339 =
  /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2})$/;

/**
 * `google.protobuf.Timestamp`: MessagePack's own timestamp, in the shortest of
 * its three forms. An RFC 3339 string is read as well.
 */
export const timestampForm: MessageForm = {
  write: (writer, value) => {
    const { seconds: long, nanos } = value as { readonly seconds: bigint; readonly nanos: number };
    const seconds = Number(long);
    const wrong = problem(seconds, nanos);
    if (wrong !== undefined) throw new Failure(wrong);
    const low = seconds >>> 0;
    const high = Math.floor(seconds / 0x100000000);
    if (high < 0 || high > 3) writer.extension(extensionType, nanos, high, low);
    else if (nanos > 0 || high > 0) writer.extension(extensionType, (nanos << 2) | high, low);
    else writer.extension(extensionType, low);
  },
  read: (reader) => {
    const at = reader.position;
    const { seconds, nanos } = reader.isString ? readText(reader) : readExtension(reader);
    const wrong = problem(seconds, nanos);
    if (wrong !== undefined) throw reader.fail(wrong, at);
    return message(seconds, nanos);
  },
};

interface Instant {
  readonly seconds: number;
  readonly nanos: number;
}

function message(seconds: number, nanos: number): Properties {
  return { $typeName: "google.protobuf.Timestamp", seconds: BigInt(seconds), nanos };
}

function problem(seconds: number, nanos: number): string | undefined {
  // Written so that NaN fails.
  if (!(seconds >= earliest && seconds <= latest)) {
    return "a timestamp must be from 0001-01-01T00:00:00Z to 9999-12-31T23:59:59.999999999Z";
  }
  const whole = Number.isInteger(nanos) && nanos >= 0 && nanos <= 999_999_999;
  return whole ? undefined : `a timestamp's nanos must be from 0 to 999999999, got ${nanos}`;
}

function readExtension(reader: Reader): Instant {
  const at = reader.position;
  const data = reader.extension(extensionType, "a timestamp");
  switch (data.byteLength) {
    case 4:
      return { seconds: data.getUint32(0), nanos: 0 };
    case 8: {
      const word = data.getUint32(0);
      return { seconds: (word & 3) * 0x100000000 + data.getUint32(4), nanos: word >>> 2 };
    }
    case 12:
      return { seconds: Number(data.getBigInt64(4)), nanos: data.getUint32(0) };
    default:
      throw reader.fail(`a timestamp has 4, 8 or 12 bytes, got ${data.byteLength}`, at);
  }
}

function readText(reader: Reader): Instant {
  const at = reader.position;
  const text = reader.string("a timestamp");
  const [, instant, fraction = "", zone] = rfc3339.exec(text) ?? [];
  const ms = Date.parse(`${instant}${zone}`);
  if (Number.isNaN(ms)) throw reader.fail("expected a timestamp, got a string that is not RFC 3339", at);
  return { seconds: ms / 1000, nanos: Number(fraction.padEnd(9, "0")) };
}
