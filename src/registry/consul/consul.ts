import { alreadyRegistered, registrable } from "../registrable.ts";
import type { ListableRegistry } from "../registry.ts";
import { ConsulClient } from "./client.ts";
import { serviceDefinition } from "./encode.ts";
import { ConsulLease } from "./lease.ts";
import { list } from "./list.ts";
import { type ConsulOptions, settings } from "./options.ts";
import { Questions } from "./questions.ts";
import { registerFirst } from "./register.ts";
import { type Tuning, tuning } from "./tuning.ts";
import { watch } from "./watch.ts";

const name = "consul";

/**
 * A registry in HashiCorp Consul, over the HTTP API of the local agent. Works
 * with Consul 1.8 and later.
 *
 * Each component is one Consul service: the component's name, the instance's
 * id, the proto services as tags, and the rest in meta. Instances are watched
 * by blocking queries, one for a component however many clients look, and the
 * last known ones stay in the snapshots while Consul is gone. Throws
 * `invalid_argument` for options that cannot work. Needs the package `consul`
 * to register.
 */
export function consul(options: ConsulOptions = {}): ListableRegistry {
  return consulWith(options, tuning);
}

/** The same with other times and chance, for tests. */
export function consulWith(options: ConsulOptions, tuning: Tuning): ListableRegistry {
  const known = settings(options);
  const client = new ConsulClient(known, tuning);
  const questions = new Questions({ client, settings: known, tuning });
  const held = new Set<string>();
  return {
    name,
    async register(wanted, signal) {
      signal?.throwIfAborted();
      const instance = registrable(wanted);
      const service = serviceDefinition(instance, known);
      // The agent would let one overwrite the other silently.
      if (held.has(instance.id)) throw alreadyRegistered(name, instance.id);
      held.add(instance.id);
      const released = (): void => {
        held.delete(instance.id);
      };
      try {
        await client.load();
        const token = await registerFirst(service, client, tuning, signal);
        return new ConsulLease({ instance, client, settings: known, tuning, token, released });
      } catch (error) {
        released();
        throw error;
      }
    },
    watch: (target, signal) => watch(target, questions, signal),
    list: (signal) => list(questions, signal),
  };
}
