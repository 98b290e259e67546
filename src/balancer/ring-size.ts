import { whole } from "../contract/kind.ts";
import type { Kind } from "../contract/kind.ts";
import { checkOptions, refusal } from "../contract/policy-source.ts";
import type { PolicySource } from "../contract/policy-source.ts";

/** How many places gRPC gives a ring in all. */
export interface RingSize {
  /** Default 1024. */
  readonly min?: number | undefined;
  /** Default 4096. */
  readonly max?: number | undefined;
}

/** Numbers of places: gRPC allows no more (gRFC A42). */
export const placesKind: Kind = whole(1, 8_388_608);

const defaultMin = 1_024;
const defaultMax = 4_096;

/** Beyond this many places, all members get fewer: building the ring takes time. */
const enough = 65_536;

/**
 * Places for members by weight, whose number does not depend on how many
 * members there are: when one goes or comes, all others keep theirs. The
 * heaviest has `entries` of them, or half, a quarter… of that when there are so
 * many members that the ring would get too large.
 */
export function steadyEntries(weights: readonly number[], entries: number): readonly number[] {
  const heaviest = weights.reduce((most, weight) => Math.max(most, weight), 0);
  let most = entries;
  while (most > 1 && most * weights.length > enough) most /= 2;
  return weights.map((weight) => Math.max(1, Math.round((most * weight) / heaviest)));
}

/**
 * Places for members by weight exactly as gRPC has them (gRFC A42), for
 * members in order of identity.
 */
export function grpcEntries(weights: readonly number[], size: RingSize): readonly number[] {
  const { min = defaultMin, max = defaultMax } = size;
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

/**
 * Throws a configuration error for sizes that gRPC does not allow.
 *
 * @param group name of the option that holds them; empty when none does
 */
export function checkRingSize(source: PolicySource, group: string, size: RingSize | undefined): void {
  checkOptions(source, group, size, { min: placesKind, max: placesKind });
  const { min = defaultMin, max = defaultMax } = size ?? {};
  if (min <= max) return;
  const name = (bound: string): string => (group === "" ? bound : `${group}.${bound}`);
  // The bound that was not set is the default.
  const wrong = size?.min === undefined ? "max" : "min";
  const [own, other] = wrong === "min" ? [min, max] : [max, min];
  const side = wrong === "min" ? "most" : "least";
  const rival = source.spell(name(wrong === "min" ? "max" : "min"));
  throw refusal(source, name(wrong), `to ${own}: it must be at ${side} ${rival}, which is ${other}`);
}
