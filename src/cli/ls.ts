import { effectiveWeight } from "../contract/instance.ts";
import type { Instance } from "../contract/instance.ts";
import { listed, openRegistry } from "./lookup.ts";
import { aligned } from "./table.ts";
import type { Invocation } from "./verb.ts";

/** `mesh ls`: what is in the registry. */
export async function ls({ operands, values, io }: Invocation): Promise<number> {
  const place = openRegistry(values, io);
  const instances = await listed(place, values, io, operands[0]);
  if (values.json === true) {
    io.out(`${JSON.stringify({ components: components(instances) })}\n`);
  } else if (instances.length === 0) {
    io.err(`no instance is in the registry ${place.where}\n`);
  } else {
    io.out(table(instances));
  }
  return 0;
}

/** A component as `--json` prints it. */
interface ListedComponent {
  readonly name: string;
  /** As the registry knows them. */
  readonly instances: readonly Instance[];
}

function components(instances: readonly Instance[]): readonly ListedComponent[] {
  const groups = Map.groupBy(sorted(instances), (of) => of.component);
  return [...groups].map(([name, instances]) => ({ name, instances }));
}

function table(instances: readonly Instance[]): string {
  const rows = sorted(instances).map((of) => [
    of.component,
    of.version,
    of.id,
    of.health,
    String(effectiveWeight(of)),
    of.zone ?? "",
    [...new Set(Object.values(of.channels))].join(","),
    Object.keys(of.channels).join(","),
    of.services.join(","),
  ]);
  return aligned([
    ["COMPONENT", "VERSION", "INSTANCE", "HEALTH", "WEIGHT", "ZONE", "ADDRESS", "CHANNELS", "SERVICES"],
    ...rows,
  ]);
}

/** By component; within one, the order of id that the registry gives. */
function sorted(instances: readonly Instance[]): readonly Instance[] {
  return instances.toSorted((a, b) => (a.component < b.component ? -1 : a.component > b.component ? 1 : 0));
}
