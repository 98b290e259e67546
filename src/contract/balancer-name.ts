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
