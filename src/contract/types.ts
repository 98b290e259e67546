import { createMutableRegistry } from "@bufbuild/protobuf";
import type { DescFile, Registry } from "@bufbuild/protobuf";
import { nestedTypes } from "@bufbuild/protobuf/reflect";
import {
  file_google_protobuf_any,
  file_google_protobuf_duration,
  file_google_protobuf_empty,
  file_google_protobuf_field_mask,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_wrappers,
} from "@bufbuild/protobuf/wkt";
import { file_google_rpc_error_details } from "../../gen/google/rpc/error_details_pb.ts";
import { file_google_rpc_status } from "../../gen/google/rpc/status_pb.ts";
import { withImports } from "./files.ts";

/** What contracts put into an Any without importing it: the well-known types, and details of errors. */
const common: readonly DescFile[] = [
  file_google_protobuf_any,
  file_google_protobuf_duration,
  file_google_protobuf_empty,
  file_google_protobuf_field_mask,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_wrappers,
  file_google_rpc_error_details,
  file_google_rpc_status,
];

/**
 * The types that may stand in a `google.protobuf.Any`, which text formats have
 * to know: the well-known ones, those of `google.rpc`, and those of the files
 * that were added, with all that these import.
 */
export class KnownTypes {
  readonly #types = createMutableRegistry();
  readonly #files = new Set<DescFile>();

  constructor(files: Iterable<DescFile> = []) {
    this.add(...common, ...files);
  }

  /** Has every type that is known, also those that are added later. */
  get registry(): Registry {
    return this.#types;
  }

  /** Adds files and what they import. A file that is known costs nothing. */
  add(...files: readonly DescFile[]): void {
    for (const file of withImports(files.filter((each) => !this.#files.has(each)))) {
      if (this.#files.has(file)) continue;
      this.#files.add(file);
      for (const type of nestedTypes(file)) this.#types.add(type);
    }
  }
}

const byFile = new WeakMap<DescFile, Registry>();

/** The types that a contract's file and its imports know, beside those that are always known. */
export function contractTypes(file: DescFile): Registry {
  let types = byFile.get(file);
  if (types === undefined) byFile.set(file, (types = new KnownTypes([file]).registry));
  return types;
}
