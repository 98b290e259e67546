/** gRPC's names that are not ours in another spelling. */
const renamed: Readonly<Record<string, string>> = {
  pickFirst: "first",
  weightedRoundRobin: "weighted",
};

/**
 * The name of a balancer as its factory has it, from any spelling that
 * contracts and service configs use: `round_robin` and `roundRobin` are
 * `roundRobin`, `ring_hash_experimental` is `ringHash`, `pick_first` is `first`.
 */
export function balancerName(name: string): string {
  const plain = name.replace(/_experimental$/, "");
  const camel = plain.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return renamed[camel] ?? camel;
}

/** What contracts and service configs call the balancers; names of gRPC where gRPC has one. */
export const balancerNames = [
  "pick_first",
  "round_robin",
  "least_request",
  "peak_ewma",
  "weighted_round_robin",
  "ring_hash",
] as const;

/** One of {@link balancerNames}. */
export type BalancerName = (typeof balancerNames)[number];

/** Whether there is a balancer of a name, as its factory has it. There are no others: a client's own are values. */
export function isBalancerName(name: string): boolean {
  return balancerNames.some((written) => balancerName(written) === name);
}

/** What a name of a balancer must be, for messages. */
export const knownBalancers: string = `one of ${balancerNames.join(", ")}`;
