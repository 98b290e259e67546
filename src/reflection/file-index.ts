import { toBinary } from "@bufbuild/protobuf";
import type { DescFile, DescService } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { withImports } from "../contract/files.ts";
import { extensionsOf, symbolsOf } from "./symbols.ts";

/** The files behind some services and all that they import, found by what is in them. */
export class FileIndex {
  /** The services that were indexed. */
  readonly services: readonly DescService[];
  readonly #files = new Map<string, DescFile>();
  readonly #symbols = new Map<string, DescFile>();
  /** By the extended message's full name, then by number. */
  readonly #extensions = new Map<string, Map<number, DescFile>>();
  readonly #bytes = new Map<DescFile, Uint8Array>();

  constructor(services: readonly DescService[]) {
    this.services = services;
    for (const file of withImports(services.map((service) => service.file))) {
      this.#files.set(file.proto.name, file);
      for (const symbol of symbolsOf(file.proto)) this.#symbols.set(symbol, file);
      for (const { extendee, number } of extensionsOf(file.proto)) {
        this.#extensions.set(extendee, this.#numbers(extendee).set(number, file));
      }
    }
  }

  /** The file of a name, such as `greet/v1/greet.proto`. */
  file(name: string): DescFile | undefined {
    return this.#files.get(name);
  }

  /** The file that declares a full name. */
  declaring(symbol: string): DescFile | undefined {
    return this.#symbols.get(symbol);
  }

  /** The file that declares the extension of a message with a number. */
  extending(message: string, number: number): DescFile | undefined {
    return this.#extensions.get(message)?.get(number);
  }

  /** Numbers of the extensions of a message in ascending order; undefined when it is not known. */
  extensionNumbers(message: string): readonly number[] | undefined {
    const numbers = this.#numbers(message);
    if (numbers.size === 0 && !this.#symbols.has(message)) return undefined;
    return [...numbers.keys()].sort((a, b) => a - b);
  }

  /** The file as a serialised `google.protobuf.FileDescriptorProto`, with all of its options. */
  bytes(file: DescFile): Uint8Array {
    let bytes = this.#bytes.get(file);
    if (bytes === undefined) {
      bytes = toBinary(FileDescriptorProtoSchema, file.proto);
      this.#bytes.set(file, bytes);
    }
    return bytes;
  }

  #numbers(message: string): Map<number, DescFile> {
    return this.#extensions.get(message) ?? new Map<number, DescFile>();
  }
}
