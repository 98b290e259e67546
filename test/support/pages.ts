import { readdirSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";

/** The repository. */
export const root: string = resolve(import.meta.dirname, "../..");

/**
 * A fenced block of a page. The first word after the fence is its language;
 * then `run` or `fragment` may follow, or the name of a file:
 *
 * - `ts`: a module that must type-check; `ts run` must also run and print the
 *   `text` block that follows; `ts fragment` is neither.
 * - `ts server.ts`, `proto a/b.proto`: a file of the project that the page describes.
 * - `sh`: must be a valid script, and name only scripts that `package.json` has.
 */
export interface Block {
  /** Path of the page in the repository. */
  readonly page: string;
  /** Line of the fence, from 1. */
  readonly line: number;
  readonly language: string;
  /** The words after the language. */
  readonly words: readonly string[];
  readonly text: string;
}

/** The README, the changelog and everything in `docs/`, as paths in the repository. */
export const pages: readonly string[] = [
  "README.md",
  "CHANGELOG.md",
  ...readdirSync(join(root, "docs"))
    .filter((name) => name.endsWith(".md"))
    .sort()
    .map((name) => relative(root, join(root, "docs", name))),
];

/** The text of a file of the repository. */
export function read(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

/** The blocks of a page, in order. Throws when a fence is not closed. */
export function blocksOf(page: string): readonly Block[] {
  const blocks: Block[] = [];
  let open: { line: number; words: readonly string[]; text: string[] } | undefined;
  read(page)
    .split("\n")
    .forEach((text, at) => {
      if (open !== undefined && text === "```") {
        const [language = "", ...words] = open.words;
        blocks.push({ page, line: open.line, language, words, text: `${open.text.join("\n")}\n` });
        open = undefined;
      } else if (open !== undefined) open.text.push(text);
      else if (text.startsWith("```")) open = { line: at + 1, words: text.slice(3).split(" "), text: [] };
    });
  if (open !== undefined) throw new Error(`${page}:${open.line}: the block has no end`);
  return blocks;
}

/** The page without its blocks: what links and headings are looked for in. */
export function proseOf(page: string): string {
  return read(page).replaceAll(/^```[^\n]*\n[\s\S]*?^```$/gm, "");
}

/** The file that a block of a project is, if any. */
export function fileName({ words }: Block): string | undefined {
  return words.find((word) => word.includes("."));
}

/** The anchors of a page's headings, as GitHub makes them. */
export function anchorsOf(page: string): ReadonlySet<string> {
  const headings = proseOf(page).matchAll(/^#+ (.+)$/gm);
  return new Set(
    Array.from(headings, ([, heading = ""]) =>
      heading.toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-"),
    ),
  );
}
