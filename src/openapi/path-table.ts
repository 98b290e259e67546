import { namedPath } from "./path.ts";
import { httpMethods } from "./model.ts";
import type { HttpMethod, Operation, PathItem } from "./model.ts";

/** The operations of one path. */
interface Entry {
  readonly path: string;
  readonly names: readonly string[];
  readonly operations: Map<string, { readonly operation: Operation; readonly rule: string }>;
}

/**
 * The paths of a document. Two paths that differ only in the names of their
 * parameters are the same one for OpenAPI: the first one's names stay.
 */
export class PathTable {
  readonly #entries = new Map<string, Entry>();
  readonly #leftOut: string[] = [];

  /** Sentences about what has no place in the document. */
  get leftOut(): readonly string[] {
    return this.#leftOut;
  }

  /** Whether a path has an operation with an HTTP method, in capitals. */
  has(shape: string, method: string): boolean {
    return this.#entries.get(shape)?.operations.has(method) ?? false;
  }

  /**
   * Adds an operation.
   *
   * @param shape the path with `{}` for each parameter
   * @param names the names that the parameters should have
   * @param method the HTTP method in capitals
   * @param rule what the operation comes from, for the sentence about it when its place is taken
   * @param make makes the operation with the names that the parameters get
   */
  add(
    shape: string,
    names: readonly string[],
    method: string,
    rule: string,
    make: (names: readonly string[]) => Operation,
  ): void {
    let entry = this.#entries.get(shape);
    if (entry === undefined) {
      entry = { path: namedPath(shape, names), names, operations: new Map() };
      this.#entries.set(shape, entry);
    }
    const other = entry.operations.get(method);
    if (other === undefined) entry.operations.set(method, { operation: make(entry.names), rule });
    else this.#leftOut.push(`${rule} is not shown: OpenAPI cannot tell it from ${other.rule}.`);
  }

  /** All operations. */
  operations(): readonly Operation[] {
    return [...this.#entries.values()].flatMap((entry) =>
      [...entry.operations.values()].map(({ operation }) => operation),
    );
  }

  /** All paths with their operations, in the order in which they came. */
  all(): Readonly<Record<string, PathItem>> {
    return Object.fromEntries([...this.#entries.values()].map((entry) => [entry.path, pathItem(entry)]));
  }
}

function pathItem({ operations }: Entry): PathItem {
  const known: Array<[HttpMethod, Operation]> = httpMethods.flatMap((method) => {
    const found = operations.get(method.toUpperCase());
    return found === undefined ? [] : [[method, found.operation]];
  });
  const others = [...operations]
    .filter(([method]) => !httpMethods.some((one) => one.toUpperCase() === method))
    .map(([method, { operation }]) => [method, operation]);
  return {
    ...Object.fromEntries(known),
    ...(others.length === 0
      ? {}
      : { "x-additionalOperations": Object.fromEntries(others) as Record<string, Operation> }),
  };
}
