import { describe, expect, test } from "vitest";
import { replay } from "../../src/client/replay.ts";

async function* letters(ended: () => void = () => {}): AsyncGenerator<string> {
  try {
    yield "a";
    yield "b";
  } finally {
    ended();
  }
}

describe("replay", () => {
  test("offers the messages again as long as none was taken", async () => {
    let ended = false;
    const messages = replay(letters(() => (ended = true)));
    const failed = messages.offer()[Symbol.asyncIterator]();
    await failed.return?.();
    expect([messages.started(), ended]).toEqual([false, false]);
    const seen: string[] = [];
    for await (const letter of messages.offer()) seen.push(letter);
    expect(seen).toEqual(["a", "b"]);
    expect([messages.started(), ended]).toEqual([true, true]);
  });

  test("an attempt that took a message and stops ends the caller's messages", async () => {
    let ended = false;
    const messages = replay(letters(() => (ended = true)));
    for await (const letter of messages.offer()) {
      expect(letter).toBe("a");
      break;
    }
    expect([messages.started(), ended]).toEqual([true, true]);
  });
});
