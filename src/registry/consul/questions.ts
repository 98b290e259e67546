import type { Instance } from "../../contract/instance.ts";
import { publish } from "../../events.ts";
import { decodeEntries, type Entries } from "./decode.ts";
import type { Asking, Question } from "./follow.ts";
import { Rights } from "./rights.ts";
import { type Listener, SharedWatch } from "./shared.ts";

/** Names of services with their tags, as `/v1/catalog/services` lists them. */
export type Catalog = ReadonlyMap<string, readonly unknown[]>;

/** Everything that the readers of one registry ask the agent, each question once. */
export class Questions {
  readonly #asking: Asking;
  readonly #rights: Rights;
  readonly #instances = new Map<string, SharedWatch<Entries>>();
  #catalog: SharedWatch<Catalog> | undefined;

  constructor(asking: Asking) {
    this.#asking = asking;
    this.#rights = new Rights(asking.client);
  }

  /** Listens to the instances of a component. Returns the function that ends it. */
  instances(component: string, listener: Listener<readonly Instance[]>): () => void {
    let watch = this.#instances.get(component);
    if (watch === undefined) {
      watch = new SharedWatch(this.#instancesOf(component), this.#asking, () => {
        this.#instances.delete(component);
      });
      this.#instances.set(component, watch);
    }
    return watch.listen(({ value, problem }) => {
      listener({ value: value?.instances, problem });
    });
  }

  /** Listens to the names of all services. Returns the function that ends it. */
  catalog(listener: Listener<Catalog>): () => void {
    this.#catalog ??= new SharedWatch(this.#allNames(), this.#asking, () => {
      this.#catalog = undefined;
    });
    return this.#catalog.listen(listener);
  }

  #instancesOf(name: string): Question<Entries> {
    const rights = `service:read on "${name}", and node:read`;
    const what = this.#asking.client.attempt(`look up "${name}"`, rights);
    let known: ReadonlySet<string> = new Set();
    return {
      what,
      // Without `passing`, which would drop instances in warning as well.
      path: `/v1/health/service/${encodeURIComponent(name)}`,
      parse: (body) => {
        const entries = decodeEntries(body);
        known = tellCorrupt(entries, known);
        return entries;
      },
      verify: async (value, signal) => {
        if (value.count === 0) await this.#rights.mayReadInstances(what, name, signal);
      },
    };
  }

  #allNames(): Question<Catalog> {
    const rights = "service:read on the services that are wanted, and node:read";
    const what = this.#asking.client.attempt("look up the names of all services", rights);
    return {
      what,
      path: "/v1/catalog/services",
      parse: parseCatalog,
      verify: async (value, signal) => {
        // Consul itself is in there, so nothing at all is suspicious.
        if (value.size === 0) await this.#rights.mayReadServices(what, signal);
      },
    };
  }
}

/** Tells each corrupt entry once, not with every answer. */
function tellCorrupt(entries: Entries, known: ReadonlySet<string>): ReadonlySet<string> {
  const now = new Set<string>();
  for (const { source, error } of entries.corrupt) {
    const key = `${source} ${String(error)}`;
    now.add(key);
    if (!known.has(key)) publish("registry.corrupt", () => ({ registry: "consul", source, error }));
  }
  return now;
}

function parseCatalog(body: unknown): Catalog {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new TypeError("the answer is not an object");
  }
  const entries = Object.entries(body as Record<string, unknown>);
  return new Map(entries.map(([name, tags]) => [name, Array.isArray(tags) ? tags : []]));
}
