import type {
  DescriptorProto,
  EnumDescriptorProto,
  FieldDescriptorProto,
  FileDescriptorProto,
} from "@bufbuild/protobuf/wkt";

/** An extension as its file declares it. */
export interface DeclaredExtension {
  /** Full name of the message that it extends. */
  readonly extendee: string;
  readonly number: number;
}

/**
 * Full names of everything that a file declares: messages, fields, oneofs,
 * extensions, enums, enum values, services and methods. An enum value is a
 * sibling of its enum, as in C++: `package.VALUE`, not `package.Enum.VALUE`.
 *
 * Walks the descriptor's protobuf message rather than protobuf-es' view of it,
 * which leaves out map entries and the oneofs behind `optional`.
 */
export function* symbolsOf(file: FileDescriptorProto): Generator<string> {
  const scope = file.package === "" ? "" : `${file.package}.`;
  for (const message of file.messageType) yield* ofMessage(message, scope);
  for (const declared of file.enumType) yield* ofEnum(declared, scope);
  for (const { name } of file.extension) yield scope + name;
  for (const { name, method } of file.service) {
    yield scope + name;
    for (const { name: of } of method) yield `${scope}${name}.${of}`;
  }
}

/** All extensions that a file declares, also those inside messages. */
export function* extensionsOf(file: FileDescriptorProto): Generator<DeclaredExtension> {
  yield* file.extension.map(declared);
  for (const message of file.messageType) yield* inMessage(message);
}

function* ofMessage(message: DescriptorProto, outer: string): Generator<string> {
  yield outer + message.name;
  const scope = `${outer}${message.name}.`;
  for (const { name } of message.field) yield scope + name;
  for (const { name } of message.oneofDecl) yield scope + name;
  for (const { name } of message.extension) yield scope + name;
  for (const nested of message.nestedType) yield* ofMessage(nested, scope);
  for (const nested of message.enumType) yield* ofEnum(nested, scope);
}

function* ofEnum(of: EnumDescriptorProto, scope: string): Generator<string> {
  yield scope + of.name;
  for (const { name } of of.value) yield scope + name;
}

function* inMessage(message: DescriptorProto): Generator<DeclaredExtension> {
  yield* message.extension.map(declared);
  for (const nested of message.nestedType) yield* inMessage(nested);
}

/** Compilers write type names with a leading dot: they are full, not relative. */
function declared({ extendee, number }: FieldDescriptorProto): DeclaredExtension {
  return { extendee: extendee.replace(/^\./, ""), number };
}
