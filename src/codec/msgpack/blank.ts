import { create } from "@bufbuild/protobuf";
import type { DescMessage, DescOneof, DescField } from "@bufbuild/protobuf";
import type { Properties } from "./form.ts";

/**
 * Makes what makes empty messages of a type. What `create()` makes is the model;
 * copying it is several times faster than making each from the descriptor.
 */
export function blank(desc: DescMessage): () => Properties {
  const made = create(desc) as unknown as Properties;
  // Messages whose fields have presence outside of proto3 inherit their defaults.
  if (inherits(desc)) return () => create(desc);
  const model: Properties = { ...made };
  const lists = localNames(desc.fields.filter((field) => field.fieldKind === "list"));
  const maps = localNames(desc.fields.filter((field) => field.fieldKind === "map"));
  const oneofs = localNames(desc.oneofs);
  return () => {
    const message = { ...model };
    // Nothing that can be changed may be shared.
    for (let at = 0; at < lists.length; at++) message[lists[at] as string] = [];
    for (let at = 0; at < maps.length; at++) message[maps[at] as string] = {};
    for (let at = 0; at < oneofs.length; at++) message[oneofs[at] as string] = { case: undefined };
    return message;
  };
}

/** Whether messages of the type have a prototype with defaults, and own only what is set. */
export function inherits(desc: DescMessage): boolean {
  return Object.getPrototypeOf(create(desc)) !== Object.prototype;
}

function localNames(members: readonly (DescField | DescOneof)[]): readonly string[] {
  return members.map((member) => member.localName);
}
