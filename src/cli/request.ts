import { createInterface } from "node:readline";
import { fromJson } from "@bufbuild/protobuf";
import type { DescMessage, DescMethod, JsonValue, Message, Registry } from "@bufbuild/protobuf";
import { errorText } from "../error.ts";
import { takesStream } from "./exchange.ts";
import type { Io } from "./io.ts";
import { UsageError } from "./usage-error.ts";

/** Reads a JSON text. Throws a {@link UsageError} that says which one is wrong. */
export function parseJson(text: string, which: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch (error) {
    throw new UsageError(`${which} is not JSON: ${errorText(error)}`);
  }
}

/** A message out of JSON. Throws a {@link UsageError} that says what the message could have. */
function toMessage(desc: DescMessage, json: JsonValue, which: string, registry: Registry): Message {
  try {
    return fromJson(desc, json, { registry });
  } catch (error) {
    const fields = desc.fields.map(({ jsonName }) => jsonName).join(", ");
    throw new UsageError(
      `${which} is not a ${desc.typeName}: ${errorText(error)}`,
      fields === "" ? "it has no fields" : `its fields are ${fields}`,
    );
  }
}

/** Whether messages come from standard input, not from arguments. */
export function fromInput([first, ...more]: readonly string[]): boolean {
  return first === undefined || (first === "-" && more.length === 0);
}

/**
 * The messages to send. Those that do not stream in are read and checked before
 * anything is sent. Rejects with a {@link UsageError}, as the iteration may.
 *
 * @param signal ends reading
 */
export async function readRequests(
  method: DescMethod,
  operands: readonly string[],
  io: Io,
  registry: Registry,
  signal: AbortSignal,
): Promise<AsyncIterable<Message>> {
  const { input } = method;
  if (!takesStream(method)) {
    const message = toMessage(input, await readOne(operands, io), "the message", registry);
    return each([message]);
  }
  if (fromInput(operands)) return lines(input, io, registry, signal);
  const messages = operands.map((text, at) => {
    const which = `message ${at + 1}`;
    return toMessage(input, parseJson(text, which), which, registry);
  });
  return each(messages);
}

/**
 * The one message of a call: the argument, or standard input when that is `-`
 * or missing and not a terminal. Nothing at all is `{}`.
 */
async function readOne(operands: readonly string[], io: Io): Promise<JsonValue> {
  const [text, ...more] = operands;
  if (more.length > 0) {
    throw new UsageError(`the method takes one message, not ${operands.length}`, "quote the JSON");
  }
  if (text !== undefined && text !== "-") return parseJson(text, "the message");
  const stdin = io.stdin();
  if (text === undefined && stdin.isTTY === true) return {};
  let read = "";
  stdin.setEncoding("utf8");
  const stop = (): void => {
    stdin.destroy();
  };
  io.signal.addEventListener("abort", stop, { once: true });
  for await (const chunk of stdin as AsyncIterable<string>) read += chunk;
  return read.trim() === "" ? {} : parseJson(read, "standard input");
}

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

/** Each line of standard input as soon as it is there. It ends when the signal aborts. */
async function* lines(
  desc: DescMessage,
  io: Io,
  registry: Registry,
  signal: AbortSignal,
): AsyncGenerator<Message> {
  const input = io.stdin();
  let line = 0;
  try {
    for await (const text of createInterface({ input, crlfDelay: Infinity, signal })) {
      line++;
      if (text.trim() === "") continue;
      const which = `line ${line} of standard input`;
      yield toMessage(desc, parseJson(text, which), which, registry);
    }
  } finally {
    // Nobody reads on, and an open input would keep the process.
    input.destroy();
  }
}
