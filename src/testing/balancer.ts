import { BalancerBench } from "./balancer-bench.ts";
import { balancerCases } from "./balancer-cases.ts";
import type { TestBalancerOptions } from "./balancer-options.ts";
import { balancerPromises } from "./balancer-promises.ts";

/** One case of a conformance suite, for any test runner: `it(one.name, one.run)`. */
export interface BalancerCase {
  /** What must be so, as a sentence. */
  readonly name: string;
  /** Resolves when it is so, rejects when it is not. */
  readonly run: () => Promise<void>;
}

/**
 * What every balancer must do, and whether one keeps what it promises, as a
 * list of cases:
 *
 * ```ts
 * for (const one of testBalancer({ create: () => mine() })) it(one.name, one.run);
 * ```
 *
 * Chance and time are the same in every run.
 */
export function testBalancer(options: TestBalancerOptions): readonly BalancerCase[] {
  const cases = { ...balancerCases, ...balancerPromises(options) };
  return Object.entries(cases).map(([name, test]) => ({
    name,
    run: async () => {
      test(new BalancerBench(options));
    },
  }));
}
