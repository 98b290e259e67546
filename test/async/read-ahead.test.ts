import { describe, expect, test } from "vitest";
import { readAhead } from "../../src/async/read-ahead.ts";

describe("readAhead", () => {
  test("gives the values in order and ends", async () => {
    async function* numbers() {
      yield* [1, 2, 3];
    }
    const seen: number[] = [];
    for await (const number of readAhead(numbers())) seen.push(number);
    expect(seen).toEqual([1, 2, 3]);
  });

  test("goes on to the next value before its reader asks for it, and no further", async () => {
    const reached: number[] = [];
    async function* numbers() {
      for (let at = 1; at <= 5; at++) {
        reached.push(at);
        yield at;
      }
    }
    const reader = readAhead(numbers())[Symbol.asyncIterator]();
    await reader.next();
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    expect(reached).toEqual([1, 2]);
  });

  test("a failure that was read ahead is thrown in its turn, or never heard of", async () => {
    async function* broken() {
      yield 1;
      throw new Error("broken");
    }
    const reader = readAhead(broken())[Symbol.asyncIterator]();
    expect(await reader.next()).toEqual({ done: false, value: 1 });
    await expect(reader.next()).rejects.toThrow("broken");
    await readAhead(broken())[Symbol.asyncIterator]().next();
  });
});
