import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import type { DescMessage } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";

const run = promisify(execFile);
const root = resolve(import.meta.dirname, "../..");

/** A message with a field of each scalar type, in what way the placeholders say. */
function scalars(field: (type: string, name: string, number: number) => string, from: number): string {
  const types =
    "double float int32 int64 uint32 uint64 sint32 sint64 fixed32 fixed64 sfixed32 sfixed64 bool string bytes";
  return types
    .split(" ")
    .map((type, at) => field(type, `${type}_field`, from + at))
    .join("\n  ");
}

const wrappers = ["Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes"];

const keys =
  "int32 int64 uint32 uint64 sint32 sint64 fixed32 fixed64 sfixed32 sfixed64 bool string".split(" ");

const proto2 = `
syntax = "proto2";
package wire.two;
enum Closed { CLOSED_ONE = 1; CLOSED_TWO = 2; CLOSED_MINUS = -1; CLOSED_BIG = 100000; }
message Optional {
  ${scalars((type, name, number) => `optional ${type} ${name} = ${number};`, 1)}
  optional Closed closed = 16;
  optional Optional child = 17;
  repeated Closed closed_list = 18;
  repeated Closed closed_packed = 19 [packed = true];
  map<int32, Closed> closed_map = 20;
  oneof choice {
    Closed closed_choice = 21;
    string text_choice = 22;
    Optional child_choice = 25;
    group GroupChoice = 26 { optional int32 a = 1; }
  }
  optional group Plain = 23 {
    optional string name = 1;
    optional group Inner = 2 { optional int32 deep = 3; }
    optional Optional back = 4;
  }
  repeated group Many = 24 { optional int32 a = 1; repeated Closed c = 2; }
  optional int64 text_long = 30 [jstype = JS_STRING];
  repeated uint64 text_longs = 31 [jstype = JS_STRING, packed = true];
  optional string constructor = 32;
  optional string has_own_property = 33;
  optional string to_string = 34;
  optional int32 far = 536870911;
  repeated string far_texts = 1001;
  optional Optional far_child = 1002;
  extensions 2000 to 2010;
}
message Default {
  optional int32 number = 1 [default = 7];
  optional string text = 2 [default = "text"];
  optional bytes data = 3 [default = "\\001\\002"];
  optional bool truth = 4 [default = true];
  optional Closed closed = 5 [default = CLOSED_TWO];
  optional int64 long = 6 [default = -5];
  optional double double = 7 [default = inf];
  optional int64 text_long = 8 [default = 9, jstype = JS_STRING];
}
message Required {
  required int32 number = 1;
  required string text = 2;
  optional Required child = 3;
  repeated Required children = 4;
}
message Lists {
  ${scalars((type, name, number) => `repeated ${type} ${name} = ${number};`, 1)}
  ${scalars((type, name, number) => {
    const packed = `repeated ${type} packed_${name} = ${number} [packed = true];`;
    return /string|bytes/.test(type) ? "" : packed;
  }, 21)}
}
extend Optional {
  optional int32 extra_number = 2000;
  repeated string extra_texts = 2001;
  optional Optional extra_child = 2002;
}
`;

const edition2023 = `
edition = "2023";
package wire.edition;
enum Open { OPEN_ZERO = 0; OPEN_ONE = 1; }
enum Shut { option features.enum_type = CLOSED; SHUT_FIVE = 5; SHUT_ZERO = 0; }
message Presence {
  ${scalars((type, name, number) => `${type} ${name} = ${number};`, 1)}
  ${scalars((type, name, number) => {
    return `${type} implicit_${name} = ${number} [features.field_presence = IMPLICIT];`;
  }, 21)}
  Open open = 41;
  Shut shut = 42;
  Open implicit_open = 43 [features.field_presence = IMPLICIT];
  Presence child = 44;
  Presence delimited = 45 [features.message_encoding = DELIMITED];
  repeated Presence delimited_list = 46 [features.message_encoding = DELIMITED];
  repeated int32 expanded = 47 [features.repeated_field_encoding = EXPANDED];
  repeated Shut shut_list = 48;
  map<string, Shut> shut_map = 49;
  map<int32, Presence> child_map = 50;
  string unchecked = 51 [features.utf8_validation = NONE];
  repeated string unchecked_list = 52 [features.utf8_validation = NONE];
  map<string, string> unchecked_map = 53 [features.utf8_validation = NONE];
  oneof choice {
    string first_choice = 60;
    Presence delimited_choice = 62 [features.message_encoding = DELIMITED];
    Shut shut_choice = 64;
    bytes last_choice = 65;
  }
  int32 between = 61;
  int32 between_too = 63;
}
message Needed {
  int32 number = 1 [features.field_presence = LEGACY_REQUIRED];
  Needed child = 2;
}
message Implicit {
  int32 number = 1 [features.field_presence = IMPLICIT];
  repeated Implicit list = 2;
  map<string, Implicit> map = 3;
}
`;

const proto3 = `
syntax = "proto3";
package wire.three;
import "google/protobuf/any.proto";
import "google/protobuf/duration.proto";
import "google/protobuf/empty.proto";
import "google/protobuf/struct.proto";
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
import "wire/two.proto";
enum Open { OPEN_ZERO = 0; OPEN_ONE = 1; OPEN_MINUS = -3; }
message Implicit {
  ${scalars((type, name, number) => `${type} ${name} = ${number};`, 1)}
  ${scalars((type, name, number) => `optional ${type} optional_${name} = ${number};`, 21)}
  ${scalars((type, name, number) => `repeated ${type} ${name}_list = ${number};`, 41)}
  ${scalars((type, name, number) => `map<string, ${type}> ${name}_map = ${number};`, 61)}
  Open open = 80;
  repeated Open open_list = 81;
  repeated Open open_expanded = 82 [packed = false];
  map<bool, Open> open_map = 83;
  int64 text_long = 84 [jstype = JS_STRING];
  optional fixed64 text_optional = 85 [jstype = JS_STRING];
  repeated sint64 text_list = 86 [jstype = JS_STRING];
  Implicit child = 90;
  repeated Implicit children = 91;
  map<string, Implicit> child_map = 92;
  wire.two.Required required = 93;
  oneof one {
    ${scalars((type, name, number) => `${type} one_${name} = ${number};`, 101)}
    Implicit one_child = 116;
    Open one_open = 117;
    google.protobuf.Int64Value one_wrapper = 118;
    google.protobuf.Struct one_struct = 119;
    google.protobuf.NullValue one_null = 120;
    google.protobuf.Empty one_empty = 121;
  }
  string last = 2000;
}
message Maps {
  ${keys.map((key, at) => `map<${key}, string> ${key}_map = ${at + 1};`).join("\n  ")}
  ${keys.map((key, at) => `map<${key}, Maps> ${key}_children = ${at + 21};`).join("\n  ")}
}
message Known {
  ${wrappers
    .map((name, at) => {
      const type = `google.protobuf.${name}Value`;
      const lower = name.toLowerCase();
      const list = `repeated ${type} ${lower}_list = ${at + 11};`;
      return `${type} ${lower} = ${at + 1}; ${list} map<string, ${type}> ${lower}_map = ${at + 21};`;
    })
    .join("\n  ")}
  google.protobuf.Struct struct = 31;
  repeated google.protobuf.Struct struct_list = 32;
  map<string, google.protobuf.Struct> struct_map = 33;
  google.protobuf.Value value = 34;
  repeated google.protobuf.Value value_list = 35;
  google.protobuf.ListValue list_value = 36;
  google.protobuf.Any any = 37;
  google.protobuf.Empty empty = 38;
  google.protobuf.Timestamp timestamp = 39;
  repeated google.protobuf.Duration durations = 40;
}
message Nothing {}
message Unordered {
  string last = 9;
  oneof mixed { int32 c = 7; int32 a = 1; }
  int32 first = 2;
  string middle = 5;
  oneof other { string d = 4; string e = 6; }
}
message Named {
  int32 first = 2;
  Named has_own_property = 10;
}
`;

const files: Readonly<Record<string, string>> = {
  "two.proto": proto2,
  "three.proto": proto3,
  "edition.proto": edition2023,
  "next.proto": edition2023.replace("2023", "2024").replace("wire.edition", "wire.next"),
};

/**
 * Messages made for tests: of proto2, proto3 and editions, with all that the
 * wire format knows.
 */
export async function wireMessages(): Promise<readonly DescMessage[]> {
  await mkdir(join(root, ".cache"), { recursive: true });
  const work = await mkdtemp(join(root, ".cache", "wire-"));
  try {
    await mkdir(join(work, "wire"));
    for (const [name, text] of Object.entries(files)) await writeFile(join(work, "wire", name), text);
    await writeFile(join(work, "buf.yaml"), "version: v2\n");
    const buf = join(root, "node_modules/.bin/buf");
    await run(buf, ["build", "-o", "image.binpb"], { cwd: work, timeout: 60_000 });
    const image = fromBinary(FileDescriptorSetSchema, await readFile(join(work, "image.binpb")));
    const all = [...createFileRegistry(image)].filter((type) => type.kind === "message");
    return all.filter(({ typeName }) => typeName.startsWith("wire."));
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
