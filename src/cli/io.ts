import type { Readable } from "node:stream";

/** What a verb has of the process that it runs in. */
export interface Io {
  readonly env: NodeJS.ProcessEnv;
  /** Standard input. Asked for only by those who read it. */
  stdin(): Readable & { readonly isTTY?: boolean | undefined };
  /** Writes to standard output: what was asked for, and nothing else. */
  out(text: string): void;
  /** Writes to standard error: what is for people only. */
  err(text: string): void;
  /** Aborts when whoever called wants it to end, or has gone. */
  readonly signal: AbortSignal;
}

/**
 * The text without what could steer a terminal. What comes from a registry or a
 * server was written by somebody else.
 */
export function printable(text: string): string {
  return text.replaceAll(/[^\P{Cc}\n\t]/gu, "\u{FFFD}");
}
