import { Failure } from "./failure.ts";
import type { MessageForm } from "./form.ts";

/** About 10,000 years: the range of `google.protobuf.Duration`. */
const longest = 315_576_000_000;

/** `google.protobuf.Duration`: a string such as `1.5s`, as in ProtoJSON. */
export const durationForm: MessageForm = {
  write: (writer, value) => {
    const { seconds: long, nanos } = value as { readonly seconds: bigint; readonly nanos: number };
    const seconds = Number(long);
    const wrong = problem(seconds, nanos);
    if (wrong !== undefined) throw new Failure(wrong);
    const sign = seconds < 0 || nanos < 0 ? "-" : "";
    writer.string(`${sign}${Math.abs(seconds)}${fractionOf(Math.abs(nanos))}s`);
  },
  read: (reader) => {
    const at = reader.position;
    const match = /^(-?)(\d{1,12})(?:\.(\d{1,9}))?s$/.exec(reader.string("a duration"));
    if (match === null) throw reader.fail('expected a duration such as "1.5s", got another string', at);
    const [, minus, whole, fraction = ""] = match;
    const sign = minus === "-" ? -1 : 1;
    const seconds = sign * Number(whole);
    const nanos = sign * Number(fraction.padEnd(9, "0"));
    const wrong = problem(seconds, nanos);
    if (wrong !== undefined) throw reader.fail(wrong, at);
    // The sum with 0 turns -0 into 0.
    return { $typeName: "google.protobuf.Duration", seconds: BigInt(seconds), nanos: nanos + 0 };
  },
};

/** The shortest of 0, 3, 6 and 9 digits that says it all. */
function fractionOf(nanos: number): string {
  if (nanos === 0) return "";
  const digits = String(nanos).padStart(9, "0");
  if (digits.endsWith("000000")) return `.${digits.slice(0, 3)}`;
  return `.${digits.endsWith("000") ? digits.slice(0, 6) : digits}`;
}

function problem(seconds: number, nanos: number): string | undefined {
  // Written so that NaN fails.
  if (!(Math.abs(seconds) <= longest)) return `a duration has at most ${longest} seconds, got ${seconds}`;
  const whole = Number.isInteger(nanos) && Math.abs(nanos) <= 999_999_999;
  if (!whole) return `a duration's nanos must be from -999999999 to 999999999, got ${nanos}`;
  return seconds * nanos < 0 ? "a duration's seconds and nanos must have the same sign" : undefined;
}
