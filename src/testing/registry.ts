import type { Registry } from "../registry/registry.ts";
import { Bench } from "./registry-bench.ts";
import { registryCases } from "./registry-cases.ts";
import { registryListingCases } from "./registry-listing-cases.ts";

/** One case of a conformance suite, for any test runner: `it(one.name, one.run)`. */
export interface RegistryCase {
  /** What must be so, as a sentence. */
  readonly name: string;
  /** Resolves when it is so, rejects when it is not. */
  readonly run: () => Promise<void>;
}

/** A registry to test. Disposing of it frees what it holds. */
export interface RegistrySetup extends AsyncDisposable {
  /** The registry. */
  readonly registry: Registry;
  /** A second value over the same store, as another process would have. */
  readonly other?: Registry | undefined;
}

/** Options of {@link testRegistry}. */
export interface TestRegistryOptions {
  /** Makes the registry for one case. It may share its store with other cases. */
  readonly create: () => Promise<RegistrySetup>;
  /** Longest time that a change may take to be visible, in milliseconds. Default 10000. */
  readonly timeoutMs?: number | undefined;
}

/**
 * What every registry must do, as a list of cases:
 *
 * ```ts
 * for (const one of testRegistry({ create })) it(one.name, one.run);
 * ```
 *
 * All names and ids are random, so that a store that outlives a case does no
 * harm. Every wait is bounded.
 */
export function testRegistry(options: TestRegistryOptions): readonly RegistryCase[] {
  return Object.entries({ ...registryCases, ...registryListingCases }).map(([name, test]) => ({
    name,
    run: async () => {
      const setup = await options.create();
      try {
        await test(new Bench(setup.registry, setup.other, options.timeoutMs ?? 10_000));
      } catch (error) {
        throw cause(error);
      } finally {
        await setup[Symbol.asyncDispose]();
      }
    },
  }));
}

/** What went wrong first, when closing what was open then failed as well. */
function cause(error: unknown): unknown {
  // By name: Node 22 has no SuppressedError.
  if (!(error instanceof Error) || error.name !== "SuppressedError") return error;
  return "suppressed" in error ? cause(error.suppressed) : error;
}
