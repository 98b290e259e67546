import type { Balancer } from "./balancer.ts";
import { slowStart } from "./slow-start.ts";
import type { SlowStartOptions } from "./slow-start.ts";
import type { BalancerSources } from "./sources.ts";
import { zonePreference } from "./zone.ts";
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
