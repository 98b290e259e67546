import { describe, expect, test } from "vitest";
import { Replay } from "../../src/client/replay.ts";
import { failure } from "../support/outcome.ts";

/** Messages that tell how many were taken, and when they are ended. */
function letters(...all: readonly string[]) {
  const seen = { taken: 0, ended: false };
  async function* messages(): AsyncGenerator<string> {
    try {
      for (const letter of all) {
        seen.taken++;
        yield letter;
      }
    } finally {
      seen.ended = true;
    }
  }
  return { seen, messages: messages() };
}

const reader = <T>(replay: Replay<T>): AsyncIterator<T> => replay.offer()[Symbol.asyncIterator]();

async function rest(of: AsyncIterator<string>): Promise<string> {
  let text = "";
  for (let next = await of.next(); next.done !== true; next = await of.next()) text += next.value;
  return text;
}

describe("a replay", () => {
  test("gives each attempt all messages, whatever was taken before", async () => {
    const { messages, seen } = letters("a", "b", "c");
    const replay = new Replay(messages);
    const first = reader(replay);
    expect([await first.next(), await first.next()].map(({ value }) => value as string)).toEqual(["a", "b"]);
    await first.return?.();
    expect([replay.repeatable, seen.ended]).toEqual([true, false]);
    expect(await rest(reader(replay))).toBe("abc");
    expect(await rest(reader(replay))).toBe("abc");
    expect([seen.taken, seen.ended]).toEqual([3, true]);
  });

  test("loses no message that a failed attempt still waits for", async () => {
    let send: ((letter: string) => void) | undefined;
    async function* slow(): AsyncGenerator<string> {
      yield await new Promise<string>((resolve) => (send = resolve));
      yield "b";
    }
    const replay = new Replay(slow());
    const failed = reader(replay).next();
    const second = rest(reader(replay));
    send?.("a");
    expect(await second).toBe("ab");
    expect((await failure(failed)).rawMessage).toBe("another attempt has the messages now");
  });

  test("keeps nothing once an answer has begun, and goes on from where the attempt is", async () => {
    const { messages, seen } = letters("a", "b", "c");
    const replay = new Replay(messages);
    const attempt = reader(replay);
    await attempt.next();
    replay.commit();
    expect(replay.repeatable).toBe(false);
    expect(await rest(attempt)).toBe("bc");
    expect(seen).toEqual({ taken: 3, ended: true });
  });

  test("ends the caller's messages with the attempt that has begun to be answered", async () => {
    const { messages, seen } = letters("a", "b");
    const replay = new Replay(messages);
    const attempt = reader(replay);
    await attempt.next();
    replay.commit();
    await attempt.return?.();
    expect(seen).toEqual({ taken: 1, ended: true });
  });

  test("cannot be repeated when more was sent than there is room for, and loses nothing of it", async () => {
    const { messages } = letters("x".repeat(600), "y".repeat(600), "z");
    const replay = new Replay(messages, 1_000);
    const attempt = reader(replay);
    await attempt.next();
    expect(replay.repeatable).toBe(true);
    expect((await attempt.next()).value).toBe("y".repeat(600));
    expect(replay.repeatable).toBe(false);
    expect(await rest(attempt)).toBe("z");
  });

  test("fails each attempt with what the caller's messages fail with", async () => {
    async function* broken(): AsyncGenerator<string> {
      yield "a";
      throw new Error("no more");
    }
    const replay = new Replay(broken());
    const attempt = reader(replay);
    await attempt.next();
    expect((await failure(attempt.next())).rawMessage).toBe("no more");
  });
});
