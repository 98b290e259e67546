import { Code, ConnectError, createClient } from "@connectrpc/connect";
import type { CallOptions, Client, Transport } from "@connectrpc/connect";
import { GreetService } from "../../../gen/greet/v1/greet_pb.ts";
import { BadRequestSchema, ErrorInfoSchema } from "../../../gen/google/rpc/error_details_pb.ts";

const pause = { seconds: 30n };

/** Makes the calls that every foreign client makes, with a stock client, and says what came back. */
export async function greetingCalls(transport: Transport): Promise<unknown> {
  const greet = createClient(GreetService, transport);
  return {
    unary: await unary(greet),
    many: await many(greet),
    zipped: { message: (await greet.greet({ name: "Ada ".repeat(1_000) }, named("zipped"))).message },
    failure: told((await failureOf(greet.greet({}, named("failure")))).error),
    broken: await broken(greet),
    slow: { code: (await failureOf(greet.greet({}, { ...named("slow"), timeoutMs: 500 }))).error.code },
    slowStream: await interrupted(greet, { ...named("slowStream"), timeoutMs: 2_000 }),
    canceled: await canceled(greet),
    unknown: { code: (await failureOf(unknown(transport))).error.code },
  };
}

/** What each call sends: its case, and a question. */
function named(name: string): CallOptions {
  // The bytes 00 ff 10 in base64, as binary headers are sent.
  return { headers: { "x-case": name, "x-question": "why?", "x-question-bin": "AP8Q" } };
}

async function unary(greet: Client<typeof GreetService>): Promise<unknown> {
  let header = new Headers();
  let trailer = new Headers();
  const { message, instance } = await greet.greet(
    { name: "Ada" },
    {
      ...named("unary"),
      onHeader: (headers) => { header = headers; },
      onTrailer: (headers) => { trailer = headers; },
    },
  );
  const bytes = atob(header.get("x-answer-bin") ?? "");
  const binary = Array.from(bytes, (byte) => (byte.codePointAt(0) ?? 0).toString(16).padStart(2, "0")).join("");
  return { message, instance, answer: header.get("x-answer"), last: trailer.get("x-last"), binary };
}

async function many(greet: Client<typeof GreetService>): Promise<unknown> {
  let header = new Headers();
  let trailer = new Headers();
  const messages: unknown[] = [];
  const stream = greet.greetMany(
    { name: "Ada", count: 3 },
    {
      ...named("many"),
      onHeader: (headers) => { header = headers; },
      onTrailer: (headers) => { trailer = headers; },
    },
  );
  for await (const { message, instance, index } of stream) messages.push({ message, instance, index });
  return { messages, answer: header.get("x-answer"), last: trailer.get("x-last") };
}

async function broken(greet: Client<typeof GreetService>): Promise<unknown> {
  const { error, messages } = await failureOf(greet.greetMany({ count: 3 }, named("broken")));
  return { ...told(error), messages };
}

async function interrupted(greet: Client<typeof GreetService>, options: CallOptions): Promise<unknown> {
  const { error, messages } = await failureOf(greet.greetMany({ count: 2, pause }, options));
  return { code: error.code, messages };
}

async function canceled(greet: Client<typeof GreetService>): Promise<unknown> {
  const stop = new AbortController();
  const stream = greet.greetMany({ count: 2, pause }, { ...named("canceled"), signal: stop.signal });
  const { error, messages } = await failureOf(stream, () => { stop.abort(); });
  return { code: error.code, messages };
}

async function unknown(transport: Transport): Promise<unknown> {
  const method = { ...GreetService.method.greet, name: "Nope" };
  return transport.unary(method, undefined, undefined, named("unknown").headers, {});
}

/** The error of a call, and how many messages came before it. Throws when there is none. */
async function failureOf(
  call: Promise<unknown> | AsyncIterable<unknown>,
  onMessage: () => void = () => {},
): Promise<{ readonly error: ConnectError; readonly messages: number }> {
  let messages = 0;
  try {
    if (call instanceof Promise) await call;
    else {
      for await (const _message of call) {
        messages++;
        onMessage();
      }
    }
  } catch (error) {
    return { error: ConnectError.from(error, Code.Unknown), messages };
  }
  throw new Error(`the call did not fail, after ${messages} messages`);
}

function told(error: ConnectError): object {
  const infos = error.findDetails(ErrorInfoSchema).map(({ $typeName: type, reason, domain, metadata }) => ({
    type,
    reason,
    domain,
    metadata,
  }));
  const requests = error.findDetails(BadRequestSchema).map(({ $typeName: type, fieldViolations }) => ({
    type,
    violations: fieldViolations.map(({ field, description }) => ({ field, description })),
  }));
  const { code, rawMessage: message, metadata } = error;
  return { code, message, details: [...infos, ...requests], why: metadata.get("x-why") };
}
