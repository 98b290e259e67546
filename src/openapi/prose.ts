/** A comment as OpenAPI wants it: a short summary, and what is left. */
export interface Prose {
  readonly summary: string;
  readonly description?: string;
}

/**
 * Splits a comment: its first sentence, without the last dot, is the summary.
 * A first paragraph without an end of a sentence is taken as a whole.
 */
export function prose(comment: string): Prose {
  const [paragraph = ""] = comment.split(/\n\s*\n/);
  const [sentence] = /^[\s\S]*?[.!?](?=\s+[\p{Lu}`"(]|\s*$)/u.exec(paragraph) ?? [paragraph];
  const summary = sentence.replaceAll(/\s+/g, " ").replace(/\.$/, "");
  const description = comment.slice(sentence.length).trim();
  return description === "" ? { summary } : { summary, description };
}

/** A name in words, for what has no comment: `ListAllBooks` is `List all books`. */
export function words(name: string): string {
  const spaced = name
    .replaceAll(/[_.]+/g, " ")
    .replaceAll(/([a-z\d])([A-Z])/g, "$1 $2")
    .replaceAll(/([A-Z]+)([A-Z][a-z])/g, "$1 $2")
    .trim();
  const lower = spaced
    .split(" ")
    .map((word) => (/^[A-Z]{2,}\d*$/.test(word) ? word : word.toLowerCase()))
    .join(" ");
  return `${lower.slice(0, 1).toUpperCase()}${lower.slice(1)}`;
}

/** Paragraphs of a description; undefined when there is none. */
export function paragraphs(...texts: ReadonlyArray<string | undefined>): string | undefined {
  const said = texts.filter((text) => text !== undefined && text !== "");
  return said.length === 0 ? undefined : said.join("\n\n");
}
