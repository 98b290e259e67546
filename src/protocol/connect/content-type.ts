import type { Codec } from "../../codec/codec.ts";

/** The content type of unary calls: `application/json`. */
export function unaryType(codec: Codec): string {
  return `application/${codec.type}`;
}

/** The content type of streams: `application/connect+json`. */
export function streamType(codec: Codec): string {
  return `application/connect+${codec.type}`;
}

/** Matches a content type in all its spellings; text may say that it is UTF-8. */
export function typePattern(codec: Codec, form: (codec: Codec) => string): RegExp {
  const type = form(codec).replaceAll(/[.+*]/g, String.raw`\$&`);
  const charset = codec.text ? String.raw`(\s*;\s*charset="?utf-?8"?)?` : "";
  return new RegExp(`^${type}${charset}\\s*$`, "i");
}

/** The codec whose content type this is, by the given form. */
export function codecOf(
  codecs: readonly Codec[],
  contentType: string | null,
  form: (codec: Codec) => string,
): Codec | undefined {
  if (contentType === null) return undefined;
  return (
    codecs.find((codec) => form(codec) === contentType) ??
    codecs.find((codec) => typePattern(codec, form).test(contentType))
  );
}
