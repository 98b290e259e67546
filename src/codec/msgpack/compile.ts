import type { DescMessage, Registry } from "@bufbuild/protobuf";
import { anyForm } from "./any.ts";
import { compileField } from "./compile-field.ts";
import type { Field } from "./field.ts";
import type { FormOf, MessageForm } from "./form.ts";
import { checked, messageForm } from "./message.ts";
import { wellKnownForm } from "./well-known.ts";

/** Makes what compiles message types, each once. */
export function compiler(registry: Registry | undefined): FormOf {
  const forms = new WeakMap<DescMessage, MessageForm>();
  const keep = (desc: DescMessage, form: MessageForm): MessageForm => {
    const kept = checked(desc, form);
    forms.set(desc, kept);
    return kept;
  };
  const formOf: FormOf = (desc) => {
    const known = forms.get(desc);
    if (known !== undefined) return known;
    const special =
      desc.typeName === "google.protobuf.Any" ? anyForm(registry, formOf) : wellKnownForm(desc);
    if (special !== undefined) return keep(desc, special);
    const fields: Field[] = [];
    // Kept before its fields are known: one of them may be of the same type.
    const form = keep(desc, messageForm(desc, fields));
    const descs = [...desc.fields].sort((a, b) => a.number - b.number);
    for (const field of descs) fields.push(compileField(field, formOf));
    return form;
  };
  return formOf;
}
