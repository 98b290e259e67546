import type { Balancer } from "../balancer/balancer.ts";
import { leastRequest, leastRequestKinds } from "../balancer/least-request.ts";
import { namedBalancer } from "../balancer/named.ts";
import { ringHash } from "../balancer/ring-hash.ts";
import { checkRingSize } from "../balancer/ring-size.ts";
import { balancerName, balancerNames, knownBalancers } from "../contract/balancer-name.ts";
import { checkOptions } from "../contract/policy-source.ts";
import { configurationError } from "../error.ts";
import type { BalancerConfig } from "../resilience/service-config-balancer.ts";
import { Fields } from "../resilience/service-config-fields.ts";

/** Names in contracts and service configs by those that factories have: `ring_hash` by `ringHash`. */
const written: ReadonlyMap<string, string> = new Map(balancerNames.map((name) => [balancerName(name), name]));

/**
 * The balancer of a name, as its factory has it. Throws a configuration error
 * when there is none.
 *
 * @param where what names it, for the message
 */
export function balancerOf(name: string, where: string): Balancer {
  const balancer = namedBalancer(written.get(name) ?? name);
  if (balancer !== undefined) return balancer;
  const message = `${where} sets balancer to ${JSON.stringify(name)}: it must be ${knownBalancers}`;
  throw configurationError(message, { culprit: where, field: "balancer" });
}

/**
 * The balancer that a service config asks for, with the options that gRPC has
 * for it (gRFC A42, A48). Throws a configuration error that names the place of
 * one that makes no sense.
 */
export function configuredBalancer({ name, options, path: where }: BalancerConfig): Balancer {
  const fields = new Fields({ value: options, path: where });
  if (name === "leastRequest") {
    const choiceCount = fields.number("choiceCount");
    checkOptions({ where, spell: String }, "", { choiceCount }, leastRequestKinds);
    return leastRequest({ choiceCount });
  }
  if (name !== "ringHash") return balancerOf(name, where);
  const min = fields.number("minRingSize");
  const max = fields.number("maxRingSize");
  if ((min ?? max) === undefined) return ringHash();
  checkRingSize({ where, spell: (bound) => `${bound}RingSize` }, "", { min, max });
  return ringHash({ ringSize: { min, max } });
}
