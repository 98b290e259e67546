import type { Instance } from "../../contract/instance.ts";
import type { Reading } from "./follow.ts";
import type { Catalog, Questions } from "./questions.ts";
import type { Listener } from "./shared.ts";

interface Part {
  reading: Reading<readonly Instance[]> | undefined;
  stop: () => void;
}

/**
 * Listens to the instances of every component that serves a service. The
 * catalog tells which components have the service among their tags; each of
 * those is then watched. Returns the function that ends it all.
 */
export function watchAll(
  service: string,
  questions: Questions,
  tell: Listener<readonly Instance[]>,
): () => void {
  const parts = new Map<string, Part>();
  let catalog: Reading<Catalog> | undefined;

  const combine = (): void => {
    const readings = [...parts.values()].map((part) => part.reading);
    // Half a set would look as if instances had gone. Every part answers or
    // fails soon, so there is no long wait here.
    if (catalog === undefined || readings.includes(undefined)) return;
    const problem = catalog.problem ?? readings.find((of) => of?.problem !== undefined)?.problem;
    tell({ value: readings.flatMap((of) => of?.value ?? []), problem });
  };

  const start = (name: string): void => {
    const part = parts.get(name);
    if (part === undefined) return;
    part.stop = questions.instances(name, (reading) => {
      part.reading = reading;
      combine();
    });
  };

  const stopCatalog = questions.catalog((reading) => {
    catalog = reading;
    // Without a value nothing is known yet; then no component is given up.
    const wanted = reading.value === undefined ? parts : withTag(reading.value, service);
    for (const [name, part] of parts) {
      if (wanted.has(name)) continue;
      part.stop();
      parts.delete(name);
    }
    const added = [...wanted.keys()].filter((name) => !parts.has(name));
    for (const name of added) parts.set(name, { reading: undefined, stop: () => {} });
    // Only now, because a watch that others share answers within this call.
    for (const name of added) start(name);
    combine();
  });

  return () => {
    stopCatalog();
    for (const part of parts.values()) part.stop();
    parts.clear();
  };
}

function withTag(catalog: Catalog, tag: string): ReadonlyMap<string, unknown> {
  return new Map([...catalog].filter(([, tags]) => tags.includes(tag)));
}
