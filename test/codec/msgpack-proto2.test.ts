import { deepStrictEqual } from "node:assert/strict";
import { create, createFileRegistry, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { DescMessage, Message } from "@bufbuild/protobuf";
import {
  Edition,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "vitest";
import { codec } from "./kinds.ts";
import { oracleDecode, oracleEncode } from "./oracle.ts";

const file = create(FileDescriptorProtoSchema, {
  name: "old.proto",
  package: "old",
  syntax: "proto2",
  enumType: [
    {
      name: "Kind",
      value: [
        { name: "KIND_ONE", number: 1 },
        { name: "KIND_TWO", number: 2 },
      ],
    },
  ],
  messageType: [
    {
      name: "Thing",
      field: [
        { name: "id", number: 1, label: Label.REQUIRED, type: Type.INT64, jsonName: "id" },
        { name: "kind", number: 2, type: Type.ENUM, typeName: ".old.Kind", defaultValue: "KIND_TWO" },
        { name: "text", number: 3, type: Type.STRING, defaultValue: "some", jsonName: "__proto__" },
        { name: "inner", number: 4, type: Type.GROUP, typeName: ".old.Thing.Inner" },
        { name: "kinds", number: 5, label: Label.REPEATED, type: Type.ENUM, typeName: ".old.Kind" },
      ].map((field) => ({ label: Label.OPTIONAL, jsonName: field.name, ...field })),
      nestedType: [
        {
          name: "Inner",
          field: [{ name: "x", number: 1, label: Label.OPTIONAL, type: Type.BOOL, jsonName: "x" }],
        },
      ],
      extensionRange: [{ start: 100, end: 200 }],
    },
  ],
  extension: [
    {
      name: "more",
      number: 100,
      label: Label.OPTIONAL,
      type: Type.BOOL,
      extendee: ".old.Thing",
      jsonName: "more",
    },
  ],
});

const thing = messageOf(file, "old.Thing");
const compiled = codec.compile(thing);

function messageOf(file: FileDescriptorProto, name: string): DescMessage {
  const desc = createFileRegistry(create(FileDescriptorSetSchema, { file: [file] })).getMessage(name);
  if (desc === undefined) throw new Error(`${name} is not in ${file.name}`);
  return desc;
}

function made(init: object): Message {
  return create(thing, init as Record<string, unknown>);
}

describe("MessagePack of proto2", () => {
  it("writes what is set, be it the default, and nothing else", () => {
    const message = made({ id: 0n, kind: 2, text: "some", inner: { x: true } });
    // The oracle refuses the key __proto__, which is this text's JSON name.
    const renamed = Buffer.from(compiled.encode(message));
    renamed.write("__prota__", renamed.indexOf("__proto__"));
    const wanted = { id: 0, kind: "KIND_TWO", __prota__: "some", inner: { x: true } };
    expect(oracleDecode(renamed)).toStrictEqual(wanted);
    deepStrictEqual(compiled.decode(compiled.encode(message)), message);
    expect(oracleDecode(compiled.encode(made({ id: 5n })))).toEqual({ id: 5 });
  });

  it("reads what is not set as its default", () => {
    const read = compiled.decode(oracleEncode({ id: 1, inner: {} }));
    expect(read).toMatchObject({ kind: 2, text: "some" });
    expect(Object.hasOwn(read, "kind")).toBe(false);
    deepStrictEqual(read, made({ id: 1n, inner: {} }));
    deepStrictEqual(compiled.decode(oracleEncode({ id: 1, kind: null, inner: null })), made({ id: 1n }));
  });

  it("does not write a message without what is required, but reads one", () => {
    expect(() => compiled.encode(made({}))).toThrow("id: the field is required, but not set");
    deepStrictEqual(compiled.decode(oracleEncode({})), made({}));
  });

  it("refuses numbers that a closed enum does not have, and ignores names", () => {
    expect(() => compiled.decode(oracleEncode({ kind: 3 }))).toThrow("kind: 3 is not a value of old.Kind");
    const named = oracleEncode({ kinds: [1, "KIND_SIX", "KIND_TWO"] });
    deepStrictEqual(compiled.decode(named), made({ kinds: [1, 2] }));
  });

  it("ignores extensions and unknown fields", () => {
    const bytes = toBinary(thing, made({ id: 1n }));
    const extended = fromBinary(thing, Uint8Array.from([...bytes, 0xa0, 6, 1, 0xf8, 6, 1]));
    expect(extended.$unknown).toHaveLength(2);
    expect(oracleDecode(compiled.encode(extended))).toEqual({ id: 1 });
    deepStrictEqual(compiled.decode(oracleEncode({ id: 1, "[old.more]": true })), made({ id: 1n }));
  });
});

describe("MessagePack of editions", () => {
  it("has presence where the contract says so", () => {
    const edition = create(FileDescriptorProtoSchema, {
      name: "new.proto",
      package: "new",
      syntax: "editions",
      edition: Edition.EDITION_2023,
      messageType: [
        {
          name: "Thing",
          field: [
            { name: "explicit", number: 1, label: Label.OPTIONAL, type: Type.INT32, jsonName: "explicit" },
            {
              name: "implicit",
              number: 2,
              label: Label.OPTIONAL,
              type: Type.INT32,
              jsonName: "implicit",
              options: { features: { fieldPresence: 2 } },
            },
          ],
        },
      ],
    });
    const desc = messageOf(edition, "new.Thing");
    const compiled = codec.compile(desc);
    const message = create(desc, { explicit: 0, implicit: 0 });
    expect(oracleDecode(compiled.encode(message))).toEqual({ explicit: 0 });
    deepStrictEqual(compiled.decode(compiled.encode(message)), message);
    deepStrictEqual(compiled.decode(oracleEncode({})), create(desc));
  });
});
