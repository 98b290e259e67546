/** How memory went while calls were made. */
export interface Growth {
  /** The slope of a line through the samples after warm-up. */
  readonly bytesPerCall: number;
  /** Twice the standard error of the slope: what noise alone may make. */
  readonly errorPerCall: number;
  /** Whether it is more than noise, and more than a trifle in all. */
  readonly grows: boolean;
}

/** Samples in the first part are of code that is compiled, of pools that fill. */
const warmUpShare = 0.2;

/** What the engine itself may still learn about the code, in megabytes. An object kept of each call is far more. */
const trifleMb = 0.5;

/** The growth of samples: calls made so far, and megabytes kept. */
export function growth(samples: readonly (readonly [calls: number, megabytes: number])[]): Growth {
  const warm = samples.slice(Math.floor(samples.length * warmUpShare));
  const count = warm.length;
  const meanX = sum(warm.map(([calls]) => calls)) / count;
  const meanY = sum(warm.map(([, megabytes]) => megabytes)) / count;
  const squares = sum(warm.map(([calls]) => (calls - meanX) ** 2));
  const slope = sum(warm.map(([calls, megabytes]) => (calls - meanX) * (megabytes - meanY))) / squares;
  const left = sum(warm.map(([calls, megabytes]) => (megabytes - meanY - slope * (calls - meanX)) ** 2));
  const error = 2 * Math.sqrt(left / (count - 2) / squares);
  const grown = slope * ((warm.at(-1)?.[0] ?? 0) - (warm[0]?.[0] ?? 0));
  return {
    bytesPerCall: slope * 2 ** 20,
    errorPerCall: error * 2 ** 20,
    grows: slope > error && grown > trifleMb,
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
