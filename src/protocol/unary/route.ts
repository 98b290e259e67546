import type { Codec } from "../../codec/codec.ts";
import { connectForm } from "../connect/server-form.ts";
import { unaryType } from "../connect/content-type.ts";
import type { MessageLimits } from "../connect/method-codec.ts";
import { grpcForm } from "../grpc/server-form.ts";
import type { UnaryForm, UnaryMethod } from "./form.ts";

/** A unary method and the forms in which it can be called in one piece, by content type. */
export interface UnaryRoute {
  readonly method: UnaryMethod;
  /** The form of a content type; undefined for what goes the general way. */
  form(contentType: string | undefined): UnaryForm | undefined;
}

/** What {@link unaryRoute} needs to know besides the method. */
export interface UnaryRouteOptions extends MessageLimits {
  /** Names of the channels to answer on. */
  readonly channels: readonly string[];
  /** The formats that are known. */
  readonly codecs: readonly Codec[];
}

/** Finds out how a method can be called; each form is compiled at its first use. */
export function unaryRoute(method: UnaryMethod, options: UnaryRouteOptions): UnaryRoute {
  const { channels, codecs } = options;
  const makers = new Map<string, () => UnaryForm>();
  const add = (type: string, codec: Codec, make: typeof connectForm): void => {
    makers.set(type, () => make(codec, method.method, options));
  };
  for (const codec of codecs) {
    if (channels.includes(codec.name)) add(unaryType(codec), codec, connectForm);
    if (!channels.includes("grpc") || (codec.type !== "proto" && codec.type !== "json")) continue;
    add(`application/grpc+${codec.type}`, codec, grpcForm);
    if (codec.type === "proto") add("application/grpc", codec, grpcForm);
  }
  const forms = new Map<string, UnaryForm>();
  return {
    method,
    form(contentType) {
      if (contentType === undefined) return undefined;
      const known = forms.get(contentType);
      if (known !== undefined) return known;
      const made = makers.get(contentType)?.();
      if (made !== undefined) forms.set(contentType, made);
      return made;
    },
  };
}
