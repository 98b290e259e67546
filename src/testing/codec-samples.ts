import { create, fromBinary } from "@bufbuild/protobuf";
import type { DescMessage, Message, MessageInitShape } from "@bufbuild/protobuf";
import {
  AnySchema,
  BoolValueSchema,
  BytesValueSchema,
  DoubleValueSchema,
  DurationSchema,
  EmptySchema,
  Field_Cardinality,
  Field_Kind,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FieldMaskSchema,
  FieldSchema,
  FileDescriptorProtoSchema,
  FloatValueSchema,
  Int32ValueSchema,
  Int64ValueSchema,
  ListValueSchema,
  NullValue,
  StringValueSchema,
  StructSchema,
  TimestampSchema,
  TypeSchema,
  UInt32ValueSchema,
  UInt64ValueSchema,
  UninterpretedOptionSchema,
} from "@bufbuild/protobuf/wkt";
import type { ValueSchema } from "@bufbuild/protobuf/wkt";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  QuotaFailureSchema,
  RetryInfoSchema,
} from "../../gen/google/rpc/error_details_pb.ts";
import { StatusSchema } from "../../gen/google/rpc/status_pb.ts";

type ValueInit = MessageInitShape<typeof ValueSchema>;

/** A message with its type. */
export interface Sample {
  readonly desc: DescMessage;
  readonly message: Message;
}

/** Makes a sample. */
export function sample<D extends DescMessage>(desc: D, init?: MessageInitShape<D>): Sample {
  return { desc, message: create(desc, init) };
}

/** A file's descriptor: proto2, with closed enums and defaults. */
export const file: Sample = sample(FileDescriptorProtoSchema, {
  name: "shop/v1/shop.proto",
  package: "shop.v1",
  dependency: ["google/protobuf/empty.proto"],
  publicDependency: [0],
  messageType: [
    {
      name: "Order",
      field: [
        {
          name: "id",
          number: 1,
          label: FieldDescriptorProto_Label.OPTIONAL,
          type: FieldDescriptorProto_Type.STRING,
          options: { packed: false, deprecated: true },
        },
        { name: "", number: 0 },
      ],
      nestedType: [{ name: "Item", reservedRange: [{ start: 1, end: 100 }] }],
    },
  ],
});

/** An error of many fields, some of them with presence. */
export const quota: Sample = sample(QuotaFailureSchema, {
  violations: [
    { subject: "project:1", quotaValue: 2n ** 40n, futureQuotaValue: 0n },
    { quotaDimensions: { region: "north", zone: "" }, futureQuotaValue: -1n },
    {},
  ],
});

/** A value of each kind that JSON has, inside of each other. */
export const struct: Sample = sample(StructSchema, {
  fields: {
    nothing: value({ case: "nullValue", value: NullValue.NULL_VALUE }),
    number: value({ case: "numberValue", value: -1.5 }),
    zero: value({ case: "numberValue", value: 0 }),
    text: value({ case: "stringValue", value: "" }),
    truth: value({ case: "boolValue", value: false }),
    list: value({
      case: "listValue",
      value: {
        values: [value({ case: "numberValue", value: 2 ** 53 }), value({ case: "listValue", value: {} })],
      },
    }),
    map: value({ case: "structValue", value: { fields: { in: value({ case: "structValue", value: {} }) } } }),
  },
});

function value(kind: NonNullable<ValueInit["kind"]>): ValueInit {
  return { kind };
}

const int32 = (value: number): Sample => sample(Int32ValueSchema, { value });
const int64 = (value: bigint): Sample => sample(Int64ValueSchema, { value });
const uint64 = (value: bigint): Sample => sample(UInt64ValueSchema, { value });
const float = (value: number): Sample => sample(FloatValueSchema, { value });
const double = (value: number): Sample => sample(DoubleValueSchema, { value });
const text = (value: string): Sample => sample(StringValueSchema, { value });

/** Messages that every codec must carry without a change, by what they are. */
export const samples: Readonly<Record<string, readonly Sample[]>> = {
  "empty messages": [
    sample(EmptySchema),
    sample(ErrorInfoSchema),
    sample(FileDescriptorProtoSchema),
    sample(StringValueSchema),
    sample(BytesValueSchema),
    sample(TimestampSchema),
    sample(DurationSchema),
    sample(FieldMaskSchema),
    sample(StructSchema),
    sample(ListValueSchema),
    sample(AnySchema),
  ],
  "messages in messages, lists and maps": [
    quota,
    sample(BadRequestSchema, {
      fieldViolations: [{ field: "name", localizedMessage: { locale: "de-CH", message: "fehlt" } }],
    }),
    sample(StatusSchema, { code: -5, message: "not found" }),
  ],
  "the presence of fields, also of proto2": [
    file,
    sample(UninterpretedOptionSchema, {
      name: [{ namePart: "", isExtension: false }],
      positiveIntValue: 2n ** 64n - 1n,
      negativeIntValue: -(2n ** 63n),
      doubleValue: 0,
      stringValue: new Uint8Array(),
    }),
  ],
  "32-bit integers": [
    ...[-(2 ** 31), -129, -33, -1, 1, 127, 128, 65_535, 65_536, 2 ** 31 - 1].map(int32),
    ...[255, 256, 2 ** 31, 2 ** 32 - 1].map((value) => sample(UInt32ValueSchema, { value })),
  ],
  "64-bit integers": [
    ...[-(2n ** 63n), -(2n ** 53n) - 1n, -(2n ** 32n), -1n, 2n ** 53n + 1n, 2n ** 63n - 1n].map(int64),
    ...[2n ** 32n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n].map(uint64),
  ],
  "floats, also those that are not numbers": [
    ...[0.1, 5e-324, 1.797e308, Number.NaN, Infinity, -Infinity].map(double),
    ...[0.5, 2 ** 127, Number.NaN, Infinity, -Infinity].map(float),
  ],
  bools: [sample(BoolValueSchema, { value: true }), sample(BoolValueSchema, { value: false })],
  "strings in all alphabets": [
    ...["grüezi", "日本語", "🙂 and 🙃", "\uFEFFmark", "nul \0 and \n", '"quoted" \\', "\uFFFD"].map(text),
    ...[31, 32, 255, 256, 65_536].map((length) => text("é".repeat(length))),
  ],
  bytes: [1, 255, 256, 65_536, 1_000_000].map((length) =>
    sample(BytesValueSchema, { value: Uint8Array.from({ length }, (_, at) => at * 7) }),
  ),
  "instants and durations": [
    sample(TimestampSchema, { seconds: -62_135_596_800n }),
    sample(TimestampSchema, { seconds: -1n, nanos: 999_999_999 }),
    sample(TimestampSchema, { seconds: 1_700_000_000n, nanos: 1000 }),
    sample(TimestampSchema, { seconds: 2n ** 33n }),
    sample(TimestampSchema, { seconds: 253_402_300_799n, nanos: 1 }),
    sample(DurationSchema, { seconds: -315_576_000_000n, nanos: -1 }),
    sample(DurationSchema, { nanos: -500_000_000 }),
    sample(RetryInfoSchema, { retryDelay: { seconds: 3n, nanos: 20_000 } }),
  ],
  "field masks": [sample(FieldMaskSchema, { paths: ["name", "retry_delay.seconds"] })],
  "values of any kind": [
    struct,
    sample(ListValueSchema, { values: [value({ case: "boolValue", value: true })] }),
  ],
  "enum values that have no name yet": [
    sample(TypeSchema, {
      fields: [
        { kind: Field_Kind.TYPE_BOOL, cardinality: Field_Cardinality.REPEATED },
        // A kind of 1234 and a cardinality of 7, which TypeScript would not let pass.
        fromBinary(FieldSchema, Uint8Array.of(8, 0xd2, 9, 16, 7)),
      ],
    }),
  ],
};
