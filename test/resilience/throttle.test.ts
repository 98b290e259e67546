import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RetryThrottle } from "../../src/resilience/throttle.ts";

describe("RetryThrottle", () => {
  // The arithmetic of grpc-go's TestRetryThrottling: 10 tokens, half a token for each success.
  test("counts as gRPC does", () => {
    const throttle = new RetryThrottle({ maxTokens: 10, tokenRatio: 0.5 });
    const after = (failures: number, successes: number): number => {
      for (let n = 0; n < failures; n++) throttle.failed();
      for (let n = 0; n < successes; n++) throttle.succeeded();
      return throttle.tokens;
    };
    expect(after(0, 1)).toBe(10);
    expect(after(2, 1)).toBe(8.5);
    expect(after(2, 0)).toBe(6.5);
    expect(throttle.open).toBe(true);
    expect(after(0, 1)).toBe(7);
    expect(after(2, 0)).toBe(5);
    expect(throttle.open).toBe(false);
    expect(after(1, 0)).toBe(4);
    expect(after(0, 2)).toBe(5);
    expect(throttle.open).toBe(false);
    expect(after(0, 1)).toBe(5.5);
    expect(throttle.open).toBe(true);
  });

  test("stays between nothing and its most", () => {
    const throttle = new RetryThrottle({ maxTokens: 3, tokenRatio: 2 });
    throttle.succeeded();
    expect(throttle.tokens).toBe(3);
    for (let n = 0; n < 9; n++) throttle.failed();
    expect(throttle.tokens).toBe(0);
    throttle.succeeded();
    expect(throttle.tokens).toBe(2);
  });

  test.each([
    [0.5466, 0.546],
    [0.1, 0.1],
    [0.57, 0.57],
    [1.001, 1.001],
    [0.0019, 0.001],
  ])("counts three decimals: %s is %s", (tokenRatio, gain) => {
    const throttle = new RetryThrottle({ maxTokens: 1_000, tokenRatio });
    for (let n = 0; n < 500; n++) throttle.failed();
    throttle.succeeded();
    expect(throttle.tokens).toBe(500 + gain);
  });

  test("lets a server that always fails be asked again for half of the tokens, then never", () => {
    const property = fc.property(fc.integer({ min: 1, max: 1_000 }), fc.double({ min: 0.001, max: 3 }), (maxTokens, tokenRatio) => {
      const throttle = new RetryThrottle({ maxTokens, tokenRatio });
      let repeats = 0;
      for (let call = 0; call < 2 * maxTokens; call++) {
        throttle.failed();
        if (throttle.open) repeats++;
      }
      expect(repeats).toBe(Math.ceil(maxTokens / 2) - 1);
    });
    fc.assert(property, { seed: 6, numRuns: 100 });
  });

  test("lets no more be repeated than successes give back, in the long run", () => {
    const property = fc.property(fc.infiniteStream(fc.boolean()), fc.double({ min: 0.01, max: 1 }), (answers, tokenRatio) => {
      const throttle = new RetryThrottle({ maxTokens: 10, tokenRatio });
      let [repeats, successes] = [0, 0];
      for (let call = 0; call < 5_000; call++) {
        if (answers.next().value === true) {
          successes++;
          throttle.succeeded();
        } else {
          throttle.failed();
          if (throttle.open) repeats++;
        }
      }
      expect(repeats).toBeLessThanOrEqual(tokenRatio * successes + 5);
    });
    fc.assert(property, { seed: 6, numRuns: 50 });
  });
});
