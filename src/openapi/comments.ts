import { fromBinary } from "@bufbuild/protobuf";
import type {
  DescEnum,
  DescEnumValue,
  DescField,
  DescFile,
  DescMessage,
  DescMethod,
  DescService,
} from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import type {
  DescriptorProto,
  EnumDescriptorProto,
  FileDescriptorProto,
  FileDescriptorSet,
} from "@bufbuild/protobuf/wkt";
import { configurationError, errorText } from "../error.ts";

/** What can have a comment. */
export type Commented = DescService | DescMethod | DescMessage | DescField | DescEnum | DescEnumValue;

/**
 * The comments of contracts. Generated code does not carry them, so they come
 * from an image, as `buf build -o image.binpb` makes it. Descriptors that have
 * source info themselves, because they were read at run time, need none.
 */
export class Comments {
  readonly #texts = new Map<string, string>();

  /** Throws a configuration error when the image is none, or has no source info. */
  constructor(files: readonly DescFile[], image: Uint8Array | FileDescriptorSet | undefined) {
    for (const { proto } of files) this.#addFile(proto);
    if (image === undefined) return;
    const { file } = image instanceof Uint8Array ? parse(image) : image;
    if (!file.some(({ sourceCodeInfo }) => sourceCodeInfo !== undefined)) {
      throw configurationError(
        "the image for OpenAPI has no source info, so no comments; make it with " +
          '"buf build -o image.binpb", without --exclude-source-info',
      );
    }
    for (const proto of file) this.#addFile(proto);
  }

  /** The comment before a declaration, or after it on its line; undefined without one. */
  of(desc: Commented): string | undefined {
    return this.#texts.get(keyOf(desc));
  }

  /** Paths are those of descriptor.proto's SourceCodeInfo: field numbers and indexes. */
  #addFile(file: FileDescriptorProto): void {
    if (file.sourceCodeInfo === undefined) return;
    const byPath = new Map<string, string>();
    for (const { path, leadingComments, trailingComments } of file.sourceCodeInfo.location) {
      const text = clean(leadingComments) || clean(trailingComments);
      if (text !== "") byPath.set(path.join("."), text);
    }
    const prefix = file.package === "" ? "" : `${file.package}.`;
    const put = (name: string, path: string): void => {
      const text = byPath.get(path);
      if (text !== undefined) this.#texts.set(name, text);
    };
    const addEnum = (of: EnumDescriptorProto, scope: string, path: string): void => {
      const name = `${scope}${of.name}`;
      put(name, path);
      of.value.forEach((value, at) => { put(`${name}.${value.name}`, `${path}.2.${at}`); });
    };
    const addMessage = (of: DescriptorProto, scope: string, path: string): void => {
      const name = `${scope}${of.name}`;
      put(name, path);
      of.field.forEach((field, at) => { put(`${name}.${field.name}`, `${path}.2.${at}`); });
      of.nestedType.forEach((nested, at) => { addMessage(nested, `${name}.`, `${path}.3.${at}`); });
      of.enumType.forEach((nested, at) => { addEnum(nested, `${name}.`, `${path}.4.${at}`); });
    };
    file.messageType.forEach((message, at) => { addMessage(message, prefix, `4.${at}`); });
    file.enumType.forEach((of, at) => { addEnum(of, prefix, `5.${at}`); });
    file.service.forEach((service, at) => {
      put(`${prefix}${service.name}`, `6.${at}`);
      service.method.forEach((method, of) => {
        put(`${prefix}${service.name}.${method.name}`, `6.${at}.2.${of}`);
      });
    });
  }
}

function keyOf(desc: Commented): string {
  return "typeName" in desc ? desc.typeName : `${desc.parent.typeName}.${desc.name}`;
}

function parse(image: Uint8Array): FileDescriptorSet {
  try {
    return fromBinary(FileDescriptorSetSchema, image);
  } catch (error) {
    throw configurationError(
      `the image for OpenAPI is not a FileDescriptorSet (${errorText(error)}); make it with ` +
        '"buf build -o image.binpb"',
    );
  }
}

/** The comment without its indentation, lint directives and internal remarks (google.aip.dev/192). */
function clean(comment: string): string {
  return comment
    .replaceAll("\r\n", "\n")
    .replaceAll(/\(--.*?--\)/gs, "")
    .split("\n")
    .filter((line) => !/^\s*buf:lint:ignore\b/.test(line))
    .map((line) => line.replace(/^ /, "").trimEnd())
    .join("\n")
    .replaceAll(/\n{3,}/g, "\n\n")
    .trim();
}
