import { Latest } from "../async/latest.ts";
import type { HealthStatus, Instance } from "../contract/instance.ts";
import { publish } from "../events.ts";
import { alreadyRegistered, registrable } from "./registrable.ts";
import { byId, fingerprint, type Lease, type ListableRegistry, select } from "./registry.ts";

const name = "memory";

/**
 * A registry within this process, for tests and for components that share one
 * process. Each call makes a registry of its own: those who should find each
 * other share the value. Registering an id a second time is `already_exists`.
 */
export function memory(): ListableRegistry {
  const instances = new Map<string, Instance>();
  const all = new Latest<readonly Instance[]>();
  const changed = (): void => {
    all.set([...instances.values()]);
  };
  changed();

  function lease(id: string): Lease {
    let released = false;
    return {
      setHealth: async (health: HealthStatus) => {
        const known = instances.get(id);
        if (released || known === undefined) return;
        instances.set(id, { ...known, health });
        changed();
      },
      [Symbol.asyncDispose]: async () => {
        const known = instances.get(id);
        if (released || known === undefined) return;
        released = true;
        instances.delete(id);
        changed();
        publish("registry.lease", () => ({ registry: name, instance: known, state: "released" }));
      },
    };
  }

  return {
    name,
    register: async (wanted, signal) => {
      signal?.throwIfAborted();
      const instance = registrable(wanted);
      if (instances.has(instance.id)) throw alreadyRegistered(name, instance.id);
      instances.set(instance.id, instance);
      changed();
      publish("registry.lease", () => ({ registry: name, instance, state: "registered" }));
      return lease(instance.id);
    },
    watch: async function* (target, signal) {
      let last: string | undefined;
      for await (const known of all.read(signal)) {
        const snapshot = select(target, known);
        const print = fingerprint(snapshot);
        if (print === last) continue;
        last = print;
        yield snapshot;
      }
    },
    list: async (signal) => {
      signal?.throwIfAborted();
      return byId([...instances.values()]);
    },
  };
}
