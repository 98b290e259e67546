import type { Balancer } from "../balancer/balancer.ts";
import { leastRequest } from "../balancer/least-request.ts";
import { balancerNames, namedBalancer } from "../balancer/named.ts";
import { ringHash } from "../balancer/ring-hash.ts";
import { balancerName } from "../contract/balancer-name.ts";
import { configurationError } from "../error.ts";
import type { BalancerConfig } from "../resilience/service-config-balancer.ts";
import { Fields } from "../resilience/service-config-fields.ts";

/** Names in contracts and service configs by those that factories have: `ring_hash` by `ringHash`. */
const written: ReadonlyMap<string, string> = new Map(balancerNames.map((name) => [balancerName(name), name]));

/** Whether clients have a balancer of a name, as its factory has it. */
export function hasBalancer(name: string): boolean {
  return written.has(name);
}

/**
 * The balancer of a name, as its factory has it. Throws a configuration error
 * when there is none.
 *
 * @param where what names it, for the message
 */
export function balancerOf(name: string, where: string): Balancer {
  const balancer = namedBalancer(written.get(name) ?? name);
  if (balancer !== undefined) return balancer;
  throw configurationError(
    `${where} names the balancer ${name}, which there is not; there are ${balancerNames.join(", ")}`,
    { culprit: where, field: "balancer" },
  );
}

/** The balancer that a service config asks for, with the options that gRPC has for it (gRFC A42, A48). */
export function configuredBalancer({ name, options }: BalancerConfig): Balancer {
  const fields = new Fields({ value: options, path: `serviceConfig.loadBalancingConfig.${name}` });
  if (name === "leastRequest") return leastRequest({ choiceCount: fields.number("choiceCount") });
  const min = fields.number("minRingSize");
  const max = fields.number("maxRingSize");
  if (name === "ringHash" && (min ?? max) !== undefined) return ringHash({ ringSize: { min, max } });
  return balancerOf(name, "serviceConfig");
}
