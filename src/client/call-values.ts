import type { ContextKey, ContextValues } from "@connectrpc/connect";

/**
 * The values of one call over those that its caller gave: one key has a value
 * of its own here, so that nothing is written into an object that other calls
 * may have as well. All else is the caller's: what an interceptor sets is
 * found there, as with Connect.
 */
export class CallValues<T> implements ContextValues {
  readonly given: ContextValues;
  readonly #key: ContextKey<T>;
  readonly #own: T;

  /** @param given the caller's; those of an earlier call lend what they were made over */
  constructor(given: ContextValues, key: ContextKey<T>, own: T) {
    this.given = given instanceof CallValues ? given.given : given;
    this.#key = key;
    this.#own = own;
  }

  get<V>(key: ContextKey<V>): V {
    // The same key has the same type.
    return key.id === this.#key.id ? (this.#own as unknown as V) : this.given.get(key);
  }

  set<V>(key: ContextKey<V>, value: V): this {
    this.given.set(key, value);
    return this;
  }

  delete(key: ContextKey<unknown>): this {
    this.given.delete(key);
    return this;
  }
}
