import { protoCamelCase, protoSnakeCase } from "@bufbuild/protobuf/reflect";
import { Failure, show } from "./failure.ts";
import type { MessageForm } from "./form.ts";

/** `google.protobuf.FieldMask`: its paths in lowerCamelCase with commas between, as in ProtoJSON. */
export const fieldMaskForm: MessageForm = {
  write: (writer, value) => {
    const { paths } = value as { readonly paths: readonly string[] };
    writer.string(paths.map(camelCase).join(","));
  },
  read: (reader) => {
    const at = reader.position;
    const text = reader.string("a field mask");
    if (text.includes("_")) {
      throw reader.fail("the paths of a field mask must be in lowerCamelCase, without _", at);
    }
    const paths = text === "" ? [] : text.split(",").map(protoSnakeCase);
    return { $typeName: "google.protobuf.FieldMask", paths };
  },
};

function camelCase(path: string): string {
  const camel = protoCamelCase(path);
  if (protoSnakeCase(camel) === path) return camel;
  throw new Failure(`the path ${show(path)} of a field mask would not be the same after lowerCamelCase`);
}
