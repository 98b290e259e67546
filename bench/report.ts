/** One measurement of one contender in one round. */
export interface Sample {
  readonly contender: string;
  readonly message: string;
  readonly inFlight: number;
  readonly round: number;
  readonly calls: number;
  readonly ms: number;
  /** Latencies in microseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  /** CPU time a call of each side, in microseconds. */
  readonly serverUs: number;
  readonly clientUs: number;
  /** Largest memory of each side so far, in megabytes. */
  readonly serverRssMb: number;
  readonly clientRssMb: number;
}

/** Where and how the samples were taken. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly node: string;
  readonly date: string;
  readonly rounds: number;
  readonly forMs: number;
}

/** The samples as Markdown tables: medians over the rounds, and ratios to the first row. */
export function report(samples: readonly Sample[], machine: Machine): string {
  const lines = [
    `${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, ${machine.date}; ` +
      `${machine.rounds} rounds of ${machine.forMs} ms, medians (spread: lowest to highest round)`,
  ];
  const groups = Map.groupBy(samples, ({ message, inFlight }) => `${message}, ${inFlight} in flight`);
  for (const [title, group] of groups) {
    lines.push("", `### ${title}`, "");
    lines.push("| contender | calls/s | spread | of first | p50 µs | p99 µs | p99.9 µs | server µs/call | client µs/call | server MB |");
    lines.push("| --- | --: | --: | --: | --: | --: | --: | --: | --: | --: |");
    let first: number | undefined;
    for (const [contender, all] of Map.groupBy(group, (sample) => sample.contender)) {
      const rates = all.map(({ calls, ms }) => (calls / ms) * 1_000);
      const rate = median(rates);
      first ??= rate;
      const of = (pick: (sample: Sample) => number): string => Math.round(median(all.map(pick))).toString();
      lines.push(
        `| ${contender} | ${Math.round(rate)} | ${Math.round(Math.min(...rates))}–${Math.round(Math.max(...rates))} | ${(rate / first).toFixed(2)} | ${of((s) => s.p50)} | ${of((s) => s.p99)} | ${of((s) => s.p999)} | ${of((s) => s.serverUs)} | ${of((s) => s.clientUs)} | ${of((s) => s.serverRssMb)} |`,
      );
    }
  }
  return lines.join("\n");
}

/** The middle value. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
