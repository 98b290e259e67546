/** Length of the finest window, in milliseconds. */
const grainMs = 100;

/** How many of something there were in each tenth of a second. */
export class Windows {
  readonly #counts: number[] = [];

  /** One more. */
  add(atMs: number): void {
    const at = Math.floor(atMs / grainMs);
    while (this.#counts.length <= at) this.#counts.push(0);
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
  }

  /** How many there were from a moment until before another; both are rounded to tenths of a second. */
  between(fromMs: number, untilMs: number): number {
    let sum = 0;
    for (let at = Math.round(fromMs / grainMs); at < Math.round(untilMs / grainMs); at++) sum += this.#counts[at] ?? 0;
    return sum;
  }
}

/** The starts of all windows of a length that lie within a time, a tenth of a second apart. */
export function starts(fromMs: number, untilMs: number, lengthMs: number): readonly number[] {
  const count = Math.floor((untilMs - fromMs - lengthMs) / grainMs) + 1;
  return Array.from({ length: Math.max(0, count) }, (_, at) => fromMs + at * grainMs);
}

/** Seconds of a time, by their start in milliseconds. */
export function seconds(fromMs: number, untilMs: number): readonly number[] {
  return Array.from({ length: Math.floor((untilMs - fromMs) / 1_000) }, (_, at) => fromMs + at * 1_000);
}
