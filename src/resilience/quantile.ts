const least = 0.1;
const growth = 1.1;
const buckets = 160;
const logGrowth = Math.log(growth);

/** Options of {@link Quantile}. */
export interface QuantileOptions {
  /** The share that lies below the value, above 0 and below 1. Default 0.95. */
  readonly quantile?: number | undefined;
  /** About how many of the latest samples count. Default 1000. */
  readonly window?: number | undefined;
  /** Samples before there is a value. Default 50. */
  readonly warmUp?: number | undefined;
}

/**
 * A quantile of the latest times, right to about 5 %, from a tenth of a
 * millisecond to five minutes. It keeps a histogram whose bounds grow by 10 %,
 * and halves it whenever it holds twice `window` samples, so old samples fade.
 * Its size is fixed and it allocates nothing.
 */
export class Quantile {
  readonly #quantile: number;
  readonly #window: number;
  readonly #warmUp: number;
  readonly #counts = new Uint32Array(buckets);
  #total = 0;
  #sinceValue = 0;
  #value: number | undefined;

  constructor(options: QuantileOptions = {}) {
    this.#quantile = options.quantile ?? 0.95;
    this.#window = options.window ?? 1_000;
    this.#warmUp = options.warmUp ?? 50;
  }

  /** The value in milliseconds; undefined while there are too few samples. */
  get value(): number | undefined {
    // Summing up costs more than a sample: it is done once for a few of them.
    if (this.#sinceValue > this.#total / 50) this.#sum();
    return this.#value;
  }

  /** Adds a time, in milliseconds. */
  record(ms: number): void {
    const bucket = ms > least ? Math.min(buckets - 1, Math.ceil(Math.log(ms / least) / logGrowth)) : 0;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#total++;
    this.#sinceValue++;
    if (this.#total >= 2 * this.#window) this.#halve();
  }

  #sum(): void {
    this.#sinceValue = 0;
    if (this.#total < this.#warmUp) return;
    let above = this.#total * (1 - this.#quantile);
    let bucket = buckets - 1;
    for (; bucket > 0; bucket--) {
      const count = this.#counts[bucket] ?? 0;
      if (count > above) break;
      above -= count;
    }
    // Within its bucket the value lies as far from the upper bound as samples are above it.
    const upper = least * growth ** bucket;
    const share = above / Math.max(1, this.#counts[bucket] ?? 0);
    this.#value = upper - (upper - upper / growth) * Math.min(1, share);
  }

  #halve(): void {
    let total = 0;
    for (let bucket = 0; bucket < buckets; bucket++) {
      const half = (this.#counts[bucket] ?? 0) >>> 1;
      this.#counts[bucket] = half;
      total += half;
    }
    this.#total = total;
  }
}
