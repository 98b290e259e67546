import { callable, elsewhere } from "../contract/kind.ts";
import type { Kinds } from "../contract/kind.ts";
import { checkOptions, optionsOf } from "../contract/policy-source.ts";
import type { Balancer } from "./balancer.ts";
import { slowStart, slowStartKinds } from "./slow-start.ts";
import type { SlowStartOptions } from "./slow-start.ts";
import type { BalancerSources } from "./sources.ts";
import { zoneKinds, zonePreference } from "./zone.ts";
import type { ZoneOptions } from "./zone.ts";

/** Options that all built-in balancers but `first` take. */
export interface BalancerOptions extends BalancerSources {
  /** How new peers are brought in; false gives them their full share at once. Default: within 10 s. */
  readonly slowStart?: SlowStartOptions | false | undefined;
  /** The zone of this process: its name, or more. Default none: zones do not matter. */
  readonly zone?: string | ZoneOptions | undefined;
}

/** A balancer with the slow start and the zone preference that its options ask for. */
export function withOptions(balancer: Balancer, options: BalancerOptions): Balancer {
  const { slowStart: warmUp } = options;
  return withZone(warmUp === false ? balancer : slowStart(balancer, warmUp, options), options);
}

/** A balancer with the zone preference that its options ask for. */
export function withZone(balancer: Balancer, options: BalancerOptions): Balancer {
  const { zone } = options;
  if (zone === undefined) return balancer;
  return zonePreference(balancer, typeof zone === "string" ? { own: zone } : zone, options);
}

const kinds: Kinds<BalancerOptions> = { slowStart: elsewhere, zone: elsewhere, random: callable, now: callable };

/**
 * Checks the options of a balancer. Throws a configuration error for one that
 * makes no sense, and for one that there is not.
 *
 * @param factory name of the balancer
 * @param own what its own options must be
 */
export function checkBalancer<T extends BalancerOptions>(
  factory: string,
  options: T,
  own: Kinds<Omit<T, keyof BalancerOptions>>,
): void {
  const source = optionsOf(factory);
  checkOptions(source, "", options, { ...kinds, ...own });
  checkOptions(source, "slowStart", options.slowStart, slowStartKinds, false);
  if (typeof options.zone !== "string") checkOptions(source, "zone", options.zone, zoneKinds);
}
