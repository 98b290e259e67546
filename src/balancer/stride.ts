/** Weights become integers up to this one. */
const maxWeight = 65_535;

/**
 * Indexes in turn, each as often as its weight says and spread evenly: the
 * static stride scheduler of gRPC's `weighted_round_robin` (gRFC A58). Within
 * `maxWeight` rounds an index comes up as often as its scaled weight; equal
 * weights make it a plain round robin. A pick takes as many steps on average as
 * the heaviest weight is times the mean.
 *
 * @param weights at least one, all above 0
 * @param random where to begin, as a number from 0 to below 1
 */
export function stride(weights: readonly number[], random: () => number): () => number {
  const count = weights.length;
  const heaviest = weights.reduce((most, weight) => Math.max(most, weight), 0);
  const scaled = Uint16Array.from(weights, (weight) => Math.max(1, Math.round((weight * maxWeight) / heaviest)));
  // Shifts neighbours against each other, so that they are not all passed over in the same round.
  const offsets = Uint16Array.from(weights, (_, at) => (at * ((maxWeight - 1) / 2)) % maxWeight);
  let next = Math.floor(random() * count);
  let round = Math.floor(random() * maxWeight);
  return () => {
    for (;;) {
      const at = next;
      const weight = scaled[at] ?? 0;
      const phase = (((weight * round) >>> 0) % maxWeight) + (offsets[at] ?? 0);
      if (++next === count) {
        next = 0;
        round = round + 1 === maxWeight ? 0 : round + 1;
      }
      if (phase % maxWeight >= maxWeight - weight) return at;
    }
  };
}
