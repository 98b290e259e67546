import { toJson } from "@bufbuild/protobuf";
import type { DescMethod, Message, Registry } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import { KnownTypes } from "../contract/types.ts";
import { createMesh } from "../mesh.ts";
import { callChannels, channelNames, preferredChannels } from "./channels.ts";
import { methodOf, parseMethodPath, readContract } from "./contract.ts";
import { connectTimeoutMs, maxMessageBytes } from "./direct.ts";
import { exchange, givesStream } from "./exchange.ts";
import { tellCalls } from "./explain.ts";
import { FailedError, failureOf } from "./failure.ts";
import { headerLines, parseHeaders } from "./headers.ts";
import { printable } from "./io.ts";
import type { Io } from "./io.ts";
import { timeoutMs } from "./options.ts";
import { fromInput, parseJson, readRequests } from "./request.ts";
import { findTarget, fixedRegistry } from "./target.ts";
import { tellEvents } from "./tell-events.ts";
import { UsageError } from "./usage-error.ts";
import type { Invocation } from "./verb.ts";

/** Deadlines for which neither the user nor the contract has set one, in milliseconds. */
const unaryMs = 30_000;
const streamMs = 3_600_000;

/** `mesh call`: calls a method. */
export async function call({ operands: [path = "", ...operands], values, io }: Invocation): Promise<number> {
  // All that can be wrong with the command line, before anybody is asked.
  const { service, method: name } = parseMethodPath(path);
  const preference = preferredChannels(values);
  const header = parseHeaders(values.header);
  const limitMs = values.timeout === undefined ? undefined : timeoutMs(values.timeout);
  if (!fromInput(operands)) operands.forEach((text, at) => parseJson(text, `message ${at + 1}`));

  const target = await findTarget(service, channelNames, values, io);
  const files = await readContract(service, target.instances, values, io);
  const method = methodOf(files, { service, method: name });
  const types = new KnownTypes(files.files).registry;
  const done = new AbortController();
  const signal = AbortSignal.any([io.signal, done.signal]);
  const requests = await readRequests(method, operands, io, types, signal);
  const answer = printer(method, types, values.json !== true && !givesStream(method), io);
  const tell = (text: string): void => {
    if (values.verbose === true) io.err(printable(text));
  };
  const explain = (text: string): void => {
    io.err(printable(text));
  };

  const mesh = createMesh({
    registry: fixedRegistry(target),
    channels: callChannels(types),
    limits: { readMaxBytes: maxMessageBytes, writeMaxBytes: maxMessageBytes },
    connectTimeoutMs,
    timeoutMs: method.methodKind === "unary" ? unaryMs : streamMs,
    waitForReady: false,
  });
  using _events = tellEvents(tell);
  using _calls = values.explain === true ? tellCalls(explain, values.json === true) : undefined;
  // A mistake in what is sent, which the transport takes for a failure of the call.
  let mistake: unknown;
  try {
    await exchange({
      transport: mesh.transport({ channel: preference }),
      method,
      header,
      timeoutMs: limitMs,
      signal,
      requests: watched(requests, (error) => (mistake = error)),
      onHeader: (headers) => {
        tell(headerLines("header", headers));
      },
      onMessage: answer,
      onTrailer: (headers) => {
        tell(headerLines("trailer", headers));
      },
    });
    return 0;
  } catch (error) {
    if (mistake instanceof UsageError) throw mistake;
    if (error instanceof ConnectError) tell(headerLines("metadata", error.metadata));
    throw new FailedError(failureOf(error, types));
  } finally {
    done.abort();
    // Nothing runs any more that would be worth waiting for.
    await mesh.close(AbortSignal.abort());
  }
}

/** The same messages; tells why there are no more of them when they fail. */
async function* watched<T>(
  messages: AsyncIterable<T>,
  onError: (error: unknown) => void,
): AsyncGenerator<T> {
  try {
    yield* messages;
  } catch (error) {
    onError(error);
    throw error;
  }
}

/** Prints answers, each on lines of its own or in one line. */
function printer(
  { output }: DescMethod,
  registry: Registry,
  pretty: boolean,
  io: Io,
): (message: Message) => void {
  return (message) => {
    const json = toJson(output, message, { registry });
    io.out(`${JSON.stringify(json, undefined, pretty ? 2 : 0)}\n`);
  };
}
