import { ScalarType } from "@bufbuild/protobuf";
import { Failure, show } from "./failure.ts";
import type { Form } from "./form.ts";
import { readBigint, readFloat, readInteger } from "./number.ts";

const largestFloat32 = 3.4028234663852886e38;

/** The form of a scalar. With `longAsString`, JavaScript has 64-bit integers as strings. */
export function scalarForm(type: ScalarType, longAsString = false): Form {
  switch (type) {
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return integerForm("an int32", (value) => (value | 0) === value);
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return integerForm("a uint32", (value) => value >>> 0 === value);
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return longForm("an int64", -(2n ** 63n), 2n ** 63n - 1n, longAsString);
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return longForm("a uint64", 0n, 2n ** 64n - 1n, longAsString);
    case ScalarType.FLOAT:
      return floatForm;
    case ScalarType.DOUBLE:
      return doubleForm;
    case ScalarType.BOOL:
      return booleanForm;
    case ScalarType.STRING:
      return stringForm;
    case ScalarType.BYTES:
      return bytesForm;
  }
}

function integerForm(what: string, fits: (value: number) => boolean): Form {
  return {
    write: (writer, value) => {
      if (typeof value !== "number" || !fits(value)) throw unfit(what, value);
      writer.integer(value);
    },
    read: (reader) => {
      const at = reader.position;
      const value = readInteger(reader, what);
      if (!fits(value)) throw reader.fail(`${value} is out of range of ${what}`, at);
      return value;
    },
  };
}

function longForm(what: string, least: bigint, most: bigint, asString: boolean): Form {
  return {
    write: (writer, value) => {
      const long = typeof value === "bigint" ? value : toBigInt(what, value);
      if (long < least || long > most) throw new Failure(`${long} is out of range of ${what}`);
      writer.bigint(long);
    },
    read: (reader) => {
      const at = reader.position;
      const value = readBigint(reader, what);
      if (value < least || value > most) {
        throw reader.fail(`${value} is out of range of ${what}`, at);
      }
      return asString ? String(value) : value;
    },
  };
}

/** protobuf-es takes 64-bit integers in all forms that hold them. */
function toBigInt(what: string, value: unknown): bigint {
  const fits =
    typeof value === "number" ? Number.isInteger(value) : typeof value === "string" && /^-?\d+$/.test(value);
  if (!fits) throw unfit(what, value);
  return BigInt(value as number | string);
}

const floatForm: Form = {
  write: (writer, value) => {
    if (typeof value !== "number") throw unfit("a float", value);
    if (Math.abs(value) > largestFloat32 && Number.isFinite(value)) {
      throw new Failure(`${value} is out of range of a float`);
    }
    writer.float32(value);
  },
  read: (reader) => {
    const at = reader.position;
    const value = readFloat(reader, "a float");
    if (Math.abs(value) > largestFloat32 && Number.isFinite(value)) {
      throw reader.fail(`${value} is out of range of a float`, at);
    }
    return Math.fround(value);
  },
};

const doubleForm: Form = {
  write: (writer, value) => {
    if (typeof value !== "number") throw unfit("a double", value);
    writer.float64(value);
  },
  read: (reader) => readFloat(reader, "a double"),
};

const booleanForm: Form = {
  write: (writer, value) => {
    if (typeof value !== "boolean") throw unfit("a bool", value);
    writer.boolean(value);
  },
  read: (reader) => reader.boolean("a bool"),
};

const stringForm: Form = {
  write: (writer, value) => {
    if (typeof value !== "string") throw unfit("a string", value);
    writer.string(value);
  },
  read: (reader) => reader.string("a string"),
};

const bytesForm: Form = {
  write: (writer, value) => {
    if (!(value instanceof Uint8Array)) throw unfit("a Uint8Array", value);
    writer.binary(value);
  },
  read: (reader) => reader.binary("bytes"),
};

function unfit(expected: string, value: unknown): Failure {
  return new Failure(`expected ${expected}, got ${show(value)}`);
}
