/**
 * Random indexes, each as likely as its weight says, in the same time however
 * many there are (Vose's alias method).
 *
 * @param weights at least one, all above 0
 * @param random chance, from 0 to below 1
 */
export function draw(weights: readonly number[], random: () => number): () => number {
  const count = weights.length;
  if (weights.every((weight) => weight === weights[0])) return () => Math.floor(random() * count);
  const { keep, alias } = table(weights);
  return () => {
    const at = random() * count;
    const index = Math.floor(at);
    return at - index < (keep[index] ?? 1) ? index : (alias[index] ?? 0);
  };
}

/** For each index, how likely it is kept when it is hit, and which one it is otherwise. */
function table(weights: readonly number[]): { keep: Float64Array; alias: Uint32Array } {
  const count = weights.length;
  const mean = weights.reduce((sum, weight) => sum + weight, 0) / count;
  const keep = Float64Array.from(weights, (weight) => weight / mean);
  const alias = new Uint32Array(count);
  const light: number[] = [];
  const heavy: number[] = [];
  for (const [at, share] of keep.entries()) (share < 1 ? light : heavy).push(at);
  for (;;) {
    const low = light.pop();
    const high = heavy.pop();
    if (low === undefined || high === undefined) {
      // What is left is 1 but for rounding.
      for (const at of [low, high, ...light, ...heavy]) if (at !== undefined) keep[at] = 1;
      return { keep, alias };
    }
    alias[low] = high;
    const left = (keep[high] ?? 0) + (keep[low] ?? 0) - 1;
    keep[high] = left;
    (left < 1 ? light : heavy).push(high);
  }
}
