import { readFile } from "node:fs/promises";
import { fromBinary, fromJson } from "@bufbuild/protobuf";
import type { FileRegistry, JsonValue, Registry } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import type { FileDescriptorSet } from "@bufbuild/protobuf/wkt";
import { errorText } from "../error.ts";
import { fileRegistry } from "./files.ts";
import { UsageError } from "./usage-error.ts";

/** The contracts in a file. */
export interface Image {
  readonly files: FileRegistry;
  /** The same as they were read: with their comments. */
  readonly set: FileDescriptorSet;
}

/**
 * Reads a `google.protobuf.FileDescriptorSet` with all imports, as `buf build
 * -o` writes it, in binary or in JSON. Throws a {@link UsageError} when it is none.
 */
export async function readImage(path: string): Promise<Image> {
  try {
    const bytes = await readFile(path);
    const set = parse(bytes);
    if (set.file.length === 0) throw new Error("it has no files");
    return { set, files: fileRegistry(set.file) };
  } catch (error) {
    throw new UsageError(
      `--image ${path}: ${errorText(error)}`,
      "make one with `buf build -o image.binpb`, imports included",
    );
  }
}

function parse(bytes: Uint8Array): FileDescriptorSet {
  const text = new TextDecoder().decode(bytes.subarray(0, 64)).trimStart();
  if (!text.startsWith("{")) return fromBinary(FileDescriptorSetSchema, bytes);
  const json = JSON.parse(new TextDecoder().decode(bytes)) as JsonValue;
  const read = (registry?: Registry): FileDescriptorSet =>
    fromJson(FileDescriptorSetSchema, json, {
      // Among others what only buf knows of.
      ignoreUnknownFields: true,
      ...(registry === undefined ? {} : { registry }),
    });
  // Twice: the options of contracts are extensions, which the files declare themselves.
  return read(fileRegistry(read().file));
}
