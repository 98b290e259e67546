/** Longest path in an error, in steps. What holds itself fails some thousands of steps deep. */
const longestPath = 32;

/** What is wrong with a message or its bytes, and in which field of it. */
export class Failure extends Error {
  override readonly name: string = "Failure";
  /** The path, from the end. */
  readonly #steps: string[] = [];

  /** Adds the field, element or entry that the failure happened in: `items`, `[3]`. */
  within(step: string): this {
    this.#steps.push(step);
    return this;
  }

  /** The sentence with the path before it: `items[3].id: expected …`. */
  describe(): string {
    const steps = this.#steps.toReversed();
    const more = steps.length > longestPath ? ".…" : "";
    const path = steps.slice(0, longestPath).join(".").replaceAll(".[", "[");
    return path === "" ? this.message : `${path}${more}: ${this.message}`;
  }
}

/** Any error as a failure inside of a field, element or entry. */
export function failedWithin(error: unknown, step: string): Failure {
  if (error instanceof Failure) return error.within(step);
  const text = error instanceof Error ? error.message : String(error);
  return new Failure(text, { cause: error }).within(step);
}

/** A short text of a value for an error. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, 40));
  if (typeof value === "bigint") return `${value}n`;
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object" && value !== null) return "an object";
  return typeof value === "function" ? "a function" : String(value);
}
