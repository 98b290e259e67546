import { create, createRegistry } from "@bufbuild/protobuf";
import type { DescMessage, DescMethod, DescService, Message } from "@bufbuild/protobuf";
import { withImports } from "../contract/files.ts";
import { configurationError } from "../error.ts";
import { loadLibrary } from "./library.ts";
import type { LoadValidation, Validator } from "./library.ts";
import { hasRules } from "./rules.ts";
import { violationError } from "./violation-error.ts";

/** Throws when a request breaks the rules of its contract. */
export type Check = (message: Message) => void;

/** What {@link Checks} need. */
export interface ChecksOptions {
  readonly failFast: boolean;
  readonly load: LoadValidation;
}

/** The checks of requests by method, made once a service. */
export class Checks {
  readonly #options: ChecksOptions;
  /** `undefined` stands for a method whose requests have no rules. */
  readonly #checks = new Map<DescMethod, Check | undefined>();
  readonly #preparing = new Map<DescService, Promise<void>>();

  constructor(options: ChecksOptions) {
    this.#options = options;
  }

  /** Whether the method's service was {@link prepare}d. */
  has(method: DescMethod): boolean {
    return this.#checks.has(method);
  }

  /** The check of a method's requests; undefined when there is nothing to check. */
  get(method: DescMethod): Check | undefined {
    return this.#checks.get(method);
  }

  /**
   * Makes the checks of services. Loads the library only when one of them has
   * rules. Rejects with a configuration error when the library is missing or
   * when a rule cannot work.
   */
  async prepare(services: readonly DescService[]): Promise<void> {
    const methods = services.flatMap((service) => service.methods);
    const inputs = new Set(methods.map(({ input }) => input).filter(hasRules));
    const made = new Map<DescMessage, Check>();
    const [first] = inputs;
    if (first !== undefined) {
      const library = await loadLibrary(this.#options.load, first);
      const registry = createRegistry(
        // The library has its own.
        ...withImports(services.map(({ file }) => file)).filter(
          ({ proto }) => proto.package !== "buf.validate",
        ),
      );
      const validator = library.createValidator({ failFast: this.#options.failFast, registry });
      for (const input of inputs) made.set(input, compile(validator, input));
    }
    for (const method of methods) this.#checks.set(method, made.get(method.input));
  }

  /** Prepares one service, once for all calls that need it at the same time. */
  async prepareLate(service: DescService): Promise<void> {
    const preparing = this.#preparing.get(service) ?? this.prepare([service]);
    this.#preparing.set(service, preparing);
    try {
      await preparing;
    } finally {
      this.#preparing.delete(service);
    }
  }
}

function compile(validator: Validator, desc: DescMessage): Check {
  // The library compiles rules with the first message; whether that one is valid does not matter.
  const trial = validator.validate(desc, create(desc));
  if (trial.kind === "error" && trial.error.name === "CompilationError") {
    throw configurationError(
      `a validation rule in the contract of ${desc.typeName} cannot work: ${trial.error.message}`,
      { message: desc.typeName },
    );
  }
  return (message) => {
    const outcome = validator.validate(desc, message);
    if (outcome.kind === "invalid") throw violationError(desc, outcome.violations);
    // A rule that fails is not the caller's fault.
    if (outcome.kind === "error") throw outcome.error;
  };
}
