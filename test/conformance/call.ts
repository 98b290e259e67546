import { setTimeout as delay } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { ConnectError } from "@connectrpc/connect";
import type { CallOptions, Client } from "@connectrpc/connect";
import { appendHeaders, wireError, wireHeaders } from "./convert.ts";
import { StreamType } from "./gen/connectrpc/conformance/v1/config_pb.ts";
import { ClientResponseResultSchema } from "./gen/connectrpc/conformance/v1/client_compat_pb.ts";
import type {
  ClientCompatRequest,
  ClientResponseResult,
} from "./gen/connectrpc/conformance/v1/client_compat_pb.ts";
import {
  BidiStreamRequestSchema,
  ClientStreamRequestSchema,
  ConformancePayloadSchema,
  ConformanceService,
  IdempotentUnaryRequestSchema,
  ServerStreamRequestSchema,
  UnaryRequestSchema,
  UnimplementedRequestSchema,
} from "./gen/connectrpc/conformance/v1/service_pb.ts";
import type { ConformancePayload } from "./gen/connectrpc/conformance/v1/service_pb.ts";

/** One case on its way. */
interface Case {
  readonly client: Client<typeof ConformanceService>;
  readonly request: ClientCompatRequest;
  readonly options: CallOptions;
  readonly result: ClientResponseResult;
  readonly cancel: () => void;
}

/** Makes the call of a case and reports what came of it; an error of the call is part of that. */
export async function call(
  client: Client<typeof ConformanceService>,
  request: ClientCompatRequest,
): Promise<ClientResponseResult> {
  const result = create(ClientResponseResultSchema);
  const stop = new AbortController();
  const headers = new Headers();
  appendHeaders(headers, request.requestHeaders);
  const options: CallOptions = {
    headers,
    signal: stop.signal,
    ...(request.timeoutMs === undefined ? {} : { timeoutMs: request.timeoutMs }),
    onHeader: (header) => (result.responseHeaders = wireHeaders(header)),
    onTrailer: (trailer) => (result.responseTrailers = wireHeaders(trailer)),
  };
  const one: Case = { client, request, options, result, cancel: () => stop.abort() };
  const run = methods[request.method ?? ""];
  if (run === undefined) throw new Error(`unknown method ${request.method}`);
  try {
    await run(one);
  } catch (thrown) {
    const error = ConnectError.from(thrown);
    result.error = wireError(error);
    // An error does not tell headers and trailers apart; headers that came before it stay.
    const metadata = wireHeaders(error.metadata);
    if (result.responseHeaders.length === 0) result.responseHeaders = metadata;
    result.responseTrailers = metadata;
  }
  return result;
}

const { method: of } = ConformanceService;

const methods: Readonly<Record<string, (one: Case) => Promise<void>>> = {
  [of.unary.name]: async (one) => {
    const request = single(one, UnaryRequestSchema);
    await unary(one, () => one.client.unary(request, one.options));
  },
  [of.idempotentUnary.name]: async (one) => {
    const request = single(one, IdempotentUnaryRequestSchema);
    await unary(one, () => one.client.idempotentUnary(request, one.options));
  },
  [of.unimplemented.name]: async (one) => {
    await one.client.unimplemented(single(one, UnimplementedRequestSchema), one.options);
  },
  [of.serverStream.name]: async (one) => {
    await delay(one.request.requestDelayMs);
    const responses = one.client.serverStream(single(one, ServerStreamRequestSchema), one.options);
    const reading = read(one, responses[Symbol.asyncIterator]());
    cancelAfterClose(one);
    await reading;
  },
  [of.clientStream.name]: async (one) => {
    async function* requests() {
      for (const request of all(one, ClientStreamRequestSchema)) {
        await delay(one.request.requestDelayMs);
        yield request;
      }
      if (one.request.cancel?.cancelTiming.case === "beforeCloseSend") one.cancel();
      cancelAfterClose(one);
    }
    const { payload } = await one.client.clientStream(requests(), one.options);
    one.result.payloads.push(payload ?? create(ConformancePayloadSchema));
  },
  [of.bidiStream.name]: bidi,
};

async function unary(
  one: Case,
  send: () => Promise<{ readonly payload?: ConformancePayload | undefined }>,
): Promise<void> {
  await delay(one.request.requestDelayMs);
  const sent = send();
  cancelAfterClose(one);
  const { payload } = await sent;
  one.result.payloads.push(payload ?? create(ConformancePayloadSchema));
}

async function bidi(one: Case): Promise<void> {
  const { request, cancel } = one;
  const full = request.streamType === StreamType.FULL_DUPLEX_BIDI_STREAM;
  /** Lets the next request go: in full duplex each waits for the answer to the one before. */
  let answered: (() => void) | undefined;
  async function* requests() {
    for (const message of all(one, BidiStreamRequestSchema)) {
      await delay(request.requestDelayMs);
      const next = new Promise<void>((resolve) => (answered = resolve));
      yield message;
      if (full) await next;
    }
    if (request.cancel?.cancelTiming.case === "beforeCloseSend") cancel();
    cancelAfterClose(one);
  }
  const responses = one.client.bidiStream(requests(), one.options)[Symbol.asyncIterator]();
  try {
    await read(one, responses, () => answered?.());
  } finally {
    answered?.();
  }
}

/** Reads answers to their end, and cancels after as many as the case says. */
async function read(
  { request, result, cancel }: Case,
  responses: AsyncIterator<{ readonly payload?: ConformancePayload | undefined }>,
  onAnswer: () => void = () => {},
): Promise<void> {
  const timing = request.cancel?.cancelTiming;
  for (let next = await responses.next(); next.done !== true; next = await responses.next()) {
    result.payloads.push(next.value.payload ?? create(ConformancePayloadSchema));
    if (timing?.case === "afterNumResponses" && timing.value === result.payloads.length) cancel();
    onAnswer();
  }
}

/** Cancels some time after the last request was sent, when the case says so. */
function cancelAfterClose({ request, cancel }: Case): void {
  if (request.cancel === undefined) return;
  const { cancelTiming } = request.cancel;
  if (cancelTiming.case === "afterCloseSendMs") setTimeout(cancel, cancelTiming.value);
  if (cancelTiming.case === undefined) cancel();
}

function* all<D extends DescMessage>({ request }: Case, desc: D): Generator<MessageShape<D>> {
  for (const any of request.requestMessages) {
    const message = anyUnpack(any, desc);
    if (message === undefined) throw new Error(`a request message is no ${desc.typeName}: ${any.typeUrl}`);
    yield message;
  }
}

function single<D extends DescMessage>(one: Case, desc: D): MessageShape<D> {
  const [message, ...rest] = all(one, desc);
  if (message === undefined || rest.length > 0) {
    throw new Error(`there are ${one.request.requestMessages.length} request messages instead of one`);
  }
  return message;
}
