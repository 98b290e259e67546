import type { DescMessage } from "@bufbuild/protobuf";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";
import type { MessageForm, Properties } from "./form.ts";
import { scalarForm } from "./scalar.ts";

/** The form of a wrapper such as `google.protobuf.Int64Value` as a message: the bare value. */
export function wrapperForm(desc: DescMessage): MessageForm | undefined {
  const [field] = desc.fields;
  if (!isWrapperDesc(desc) || field?.fieldKind !== "scalar") return undefined;
  const { write, read } = scalarForm(field.scalar);
  return {
    write: (writer, value) => write(writer, (value as Properties)["value"]),
    read: (reader) => ({ $typeName: desc.typeName, value: read(reader) }),
  };
}
