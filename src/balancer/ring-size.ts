import { configurationError } from "../error.ts";

/** How many places gRPC gives a ring in all. */
export interface RingSize {
  /** Default 1024. */
  readonly min?: number | undefined;
  /** Default 4096. */
  readonly max?: number | undefined;
}

/** The most places that gRPC allows (gRFC A42). */
const limit = 8_388_608;

/** Beyond this many places, all members get fewer: building the ring takes time. */
const enough = 65_536;

/**
 * Places for members by weight, whose number does not depend on how many
 * members there are: when one goes or comes, all others keep theirs. The
 * heaviest has `entries` of them, or half, a quarter… of that when there are so
 * many members that the ring would get too large.
 */
export function steadyEntries(weights: readonly number[], entries: number): readonly number[] {
  if (!(entries >= 1 && entries <= limit)) {
    throw configurationError(`a ring with ${entries} entries for a peer cannot be made: take 1 to ${limit}`);
  }
  const heaviest = weights.reduce((most, weight) => Math.max(most, weight), 0);
  let most = entries;
  while (most > 1 && most * weights.length > enough) most /= 2;
  return weights.map((weight) => Math.max(1, Math.round((most * weight) / heaviest)));
}

/**
 * Places for members by weight exactly as gRPC has them (gRFC A42), for
 * members in order of identity. Throws a configuration error for sizes that
 * gRPC does not allow.
 */
export function grpcEntries(weights: readonly number[], size: RingSize): readonly number[] {
  const { min = 1_024, max = 4_096 } = size;
  if (!(min >= 1 && min <= max && max <= limit)) {
    throw configurationError(`a ring of ${min} to ${max} places cannot be made: it takes 1 to ${limit} in order`);
  }
  const sum = weights.reduce((all, weight) => all + weight, 0);
  const lightest = weights.reduce((least, weight) => Math.min(least, weight), Infinity) / sum;
  const scale = Math.min(Math.ceil(lightest * min) / lightest, max);
  let target = 0;
  let current = 0;
  return weights.map((weight) => {
    target += (scale * weight) / sum;
    const entries = Math.max(0, Math.ceil(target - current));
    current += entries;
    return entries;
  });
}
