import { createFileRegistry, create } from "@bufbuild/protobuf";
import type { FileRegistry } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import type { FileDescriptorProto } from "@bufbuild/protobuf/wkt";

/**
 * A registry of files in any order. Throws an `Error` when one of them imports
 * a file that is not there, or is not valid.
 */
export function fileRegistry(protos: Iterable<FileDescriptorProto>): FileRegistry {
  const byName = new Map([...protos].map((proto) => [proto.name, proto]));
  const file: FileDescriptorProto[] = [];
  const met = new Set<string>();
  const visit = (proto: FileDescriptorProto): void => {
    if (met.has(proto.name)) return;
    met.add(proto.name);
    for (const name of proto.dependency) {
      const imported = byName.get(name);
      if (imported === undefined) throw new Error(`${proto.name} imports ${name}, which is not there`);
      visit(imported);
    }
    file.push(proto);
  };
  for (const proto of byName.values()) visit(proto);
  return createFileRegistry(create(FileDescriptorSetSchema, { file }));
}
