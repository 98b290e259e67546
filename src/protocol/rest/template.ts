import { decodeSegment } from "./percent.ts";

/** One segment of a path template. Literals are kept decoded. */
export type TemplateSegment =
  | { readonly kind: "literal"; readonly text: string }
  /** `*`: exactly one segment, which is not empty. */
  | { readonly kind: "single" }
  /** `**`: all segments that are left, also none. Always the last one. */
  | { readonly kind: "multi" };

/** A variable of a path template: the segments that it captures, and where they go. */
export interface TemplateVariable {
  /** Field path in proto names, such as `book.name`. */
  readonly fieldPath: string;
  /** Index of its first segment. */
  readonly start: number;
  /** Index after its last segment. */
  readonly end: number;
  /**
   * Whether it captures several segments, or `**`: then `/` separates what it
   * captures, and an encoded `%2F` stays as it is.
   */
  readonly multi: boolean;
}

/** A parsed path template of a `google.api.http` rule. */
export interface Template {
  /** The template as the contract has it. */
  readonly text: string;
  readonly segments: readonly TemplateSegment[];
  /** In the order of the template; each field path at most once. */
  readonly variables: readonly TemplateVariable[];
  /** Text after the colon of the last segment, decoded; undefined without one. */
  readonly verb: string | undefined;
}

/** A path template that does not follow the grammar. */
export class TemplateError extends Error {
  override readonly name = "TemplateError";
}

/**
 * Parses a path template by the grammar of `google/api/http.proto`:
 *
 * ```
 * Template  = "/" Segments [ Verb ] ;
 * Segments  = Segment { "/" Segment } ;
 * Segment   = "*" | "**" | LITERAL | Variable ;
 * Variable  = "{" FieldPath [ "=" Segments ] "}" ;
 * FieldPath = IDENT { "." IDENT } ;
 * Verb      = ":" LITERAL ;
 * ```
 *
 * A literal is made of `-_.~`, letters, digits and percent escapes. Throws a
 * {@link TemplateError} that tells the position.
 */
export function parseTemplate(text: string): Template {
  return new Parser(text).template();
}

class Parser {
  readonly #text: string;
  readonly #segments: TemplateSegment[] = [];
  readonly #variables: TemplateVariable[] = [];
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  template(): Template {
    if (!this.#take("/")) throw this.#error('it must start with "/"');
    this.#sequence(true);
    const verb = this.#take(":") ? this.#literal("a verb") : undefined;
    if (this.#at < this.#text.length) throw this.#unexpected();
    return { text: this.#text, segments: this.#segments, variables: this.#variables, verb };
  }

  #sequence(variables: boolean): void {
    do {
      if (this.#segments.at(-1)?.kind === "multi") throw this.#error('nothing may follow "**" but a verb');
      if (this.#take("**")) this.#segments.push({ kind: "multi" });
      else if (this.#take("*")) this.#segments.push({ kind: "single" });
      else if (!this.#take("{")) this.#segments.push({ kind: "literal", text: this.#literal("a segment") });
      else if (variables) this.#variable();
      else throw this.#error("a variable may not contain a variable");
    } while (this.#take("/"));
  }

  #variable(): void {
    const fieldPath = this.#match(/[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*/y);
    if (fieldPath === undefined) throw this.#error("a field path is expected");
    if (this.#variables.some((other) => other.fieldPath === fieldPath)) {
      throw this.#error(`the variable ${fieldPath} is there twice`);
    }
    const start = this.#segments.length;
    if (this.#take("=")) this.#sequence(false);
    else this.#segments.push({ kind: "single" });
    if (!this.#take("}")) throw this.#unexpected();
    const end = this.#segments.length;
    const multi = end - start > 1 || this.#segments[start]?.kind === "multi";
    this.#variables.push({ fieldPath, start, end, multi });
  }

  #literal(what: string): string {
    const encoded = this.#match(/(?:[-.~\w]|%[0-9A-Fa-f]{2})+/y);
    if (encoded === undefined) throw this.#at === this.#text.length ? this.#error(`${what} is empty`) : this.#unexpected();
    if (encoded === "." || encoded === "..") throw this.#error(`clients remove the segment "${encoded}"`);
    const decoded = decodeSegment(encoded);
    if (decoded === undefined) throw this.#error(`${encoded} is not UTF-8`);
    return decoded;
  }

  #take(token: string): boolean {
    if (!this.#text.startsWith(token, this.#at)) return false;
    this.#at += token.length;
    return true;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }

  #unexpected(): TemplateError {
    const found = this.#text[this.#at];
    if (found === undefined) return this.#error("it ends too early");
    if (found === "/" || found === ":") return this.#error(`"${found}" is not expected here`);
    return this.#error(`"${found}" is not expected here; in literal text write it as ${escaped(found)}`);
  }

  #error(why: string): TemplateError {
    return new TemplateError(`${why} (at position ${this.#at} of "${this.#text}")`);
  }
}

function escaped(character: string): string {
  return [...new TextEncoder().encode(character)]
    .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`)
    .join("");
}
