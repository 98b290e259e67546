import type { DescMethod, DescService } from "@bufbuild/protobuf";

/** Names of services and operations in a document. */
export class Names {
  readonly #tags: ReadonlyMap<string, string>;
  readonly #taken = new Set<string>();

  constructor(services: readonly DescService[]) {
    const count = new Map<string, number>();
    for (const { name } of services) count.set(name, (count.get(name) ?? 0) + 1);
    this.#tags = new Map(
      services.map(({ name, typeName }) => [typeName, (count.get(name) ?? 0) > 1 ? typeName : name]),
    );
  }

  /** The short name of a service, or the full one where several have the same short one. */
  tag({ name, typeName }: DescService): string {
    return this.#tags.get(typeName) ?? name;
  }

  /** A new operation id: `Service_Method`, with suffixes that tell the method's operations apart. */
  operationId(method: DescMethod, ...suffixes: readonly string[]): string {
    const id = [this.tag(method.parent).replaceAll(".", "_"), method.name, ...suffixes].join("_");
    let free = id;
    while (this.#taken.has(free)) free += "_";
    this.#taken.add(free);
    return free;
  }
}
