import { setTimeout as delay } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import type { Any } from "@bufbuild/protobuf/wkt";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { appendHeaders, connectError, wireHeaders } from "./convert.ts";
import {
  BidiStreamRequestSchema,
  ClientStreamRequestSchema,
  ConformancePayload_RequestInfoSchema,
  IdempotentUnaryRequestSchema,
  ServerStreamRequestSchema,
  UnaryRequestSchema,
} from "./gen/connectrpc/conformance/v1/service_pb.ts";
import type {
  ConformancePayloadSchema,
  ConformancePayload_RequestInfo,
  ConformanceService,
  Error as WireError,
  StreamResponseDefinition,
  UnaryResponseDefinition,
} from "./gen/connectrpc/conformance/v1/service_pb.ts";

/**
 * Deadline that the server under test gives to calls that bring none. The suite
 * wants to hear of deadlines that the caller set, and its own are far shorter.
 */
export const ownTimeoutMs = 1_000_000;

type Answer = { payload: MessageInitShape<typeof ConformancePayloadSchema> };

/** What the suite's servers do: `service.proto` tells it in full. */
export const conformance: Partial<ServiceImpl<typeof ConformanceService>> = {
  unary: (request, context) =>
    answerOnce(request.responseDefinition, [anyPack(UnaryRequestSchema, request)], context),

  idempotentUnary: (request, context) =>
    answerOnce(request.responseDefinition, [anyPack(IdempotentUnaryRequestSchema, request)], context),

  async clientStream(requests, context) {
    const seen = await collect(ClientStreamRequestSchema, requests);
    return answerOnce(seen.first?.responseDefinition, seen.packed, context);
  },

  async *serverStream(request, context) {
    const definition = request.responseDefinition;
    announce(definition, context);
    const info = (): ConformancePayload_RequestInfo =>
      requestInfo([anyPack(ServerStreamRequestSchema, request)], context);
    yield* answers(definition, info);
    fail(definition, info);
  },

  async *bidiStream(requests, context) {
    const source = requests[Symbol.asyncIterator]();
    const first = await source.next();
    if (first.done === true) return;
    const definition = first.value.responseDefinition;
    announce(definition, context);
    const pack = (...all: MessageShape<typeof BidiStreamRequestSchema>[]): ConformancePayload_RequestInfo =>
      requestInfo(all.map((request) => anyPack(BidiStreamRequestSchema, request)), context);
    if (!first.value.fullDuplex) {
      const all = [first.value];
      for (let next = await source.next(); next.done !== true; next = await source.next()) all.push(next.value);
      yield* answers(definition, () => pack(...all));
      fail(definition, () => pack(...all));
      return;
    }
    const data = definition?.responseData ?? [];
    let sent = 0;
    let current: IteratorResult<MessageShape<typeof BidiStreamRequestSchema>> = first;
    for (; current.done !== true && sent < data.length; current = await source.next(), sent++) {
      await delay(definition?.responseDelayMs ?? 0);
      yield answer(data[sent], pack(current.value));
    }
    for (; sent < data.length; sent++) {
      await delay(definition?.responseDelayMs ?? 0);
      yield answer(data[sent]);
    }
    fail(definition, () => pack(...(current.done === true ? [] : [current.value])));
  },
};

async function answerOnce(
  definition: UnaryResponseDefinition | undefined,
  requests: Any[],
  context: HandlerContext,
): Promise<Answer> {
  announce(definition, context);
  const info = requestInfo(requests, context);
  const response = definition?.response;
  if (definition !== undefined) await delay(definition.responseDelayMs);
  if (response?.case === "error") throw withInfo(response.value, info);
  return answer(response?.value, info);
}

/** The answers of a stream; the first says what was asked. */
async function* answers(
  definition: StreamResponseDefinition | undefined,
  info: () => ConformancePayload_RequestInfo,
): AsyncGenerator<Answer> {
  for (const [at, data] of definition?.responseData.entries() ?? []) {
    await delay(definition?.responseDelayMs ?? 0);
    yield answer(data, at === 0 ? info() : undefined);
  }
}

/** Throws the error that a stream should end with; it says what was asked when no answer did. */
function fail(
  definition: StreamResponseDefinition | undefined,
  info: () => ConformancePayload_RequestInfo,
): void {
  if (definition?.error === undefined) return;
  if (definition.responseData.length > 0) throw connectError(definition.error);
  throw withInfo(definition.error, info());
}

function withInfo(error: WireError, info: ConformancePayload_RequestInfo): Error {
  const details = [...error.details, anyPack(ConformancePayload_RequestInfoSchema, info)];
  return connectError({ ...error, details });
}

function answer(
  data: Uint8Array | undefined,
  info?: ConformancePayload_RequestInfo,
): Answer {
  return {
    payload: {
      ...(data === undefined ? {} : { data: Uint8Array.from(data) }),
      ...(info === undefined ? {} : { requestInfo: info }),
    },
  };
}

function announce(
  definition: UnaryResponseDefinition | StreamResponseDefinition | undefined,
  context: HandlerContext,
): void {
  appendHeaders(context.responseHeader, definition?.responseHeaders ?? []);
  appendHeaders(context.responseTrailer, definition?.responseTrailers ?? []);
}

function requestInfo(requests: Any[], context: HandlerContext): ConformancePayload_RequestInfo {
  const timeoutMs = context.timeoutMs();
  const asked = timeoutMs !== undefined && timeoutMs < ownTimeoutMs / 2;
  return create(ConformancePayload_RequestInfoSchema, {
    requestHeaders: wireHeaders(context.requestHeader),
    requests,
    ...(asked ? { timeoutMs: BigInt(Math.round(timeoutMs)) } : {}),
    ...(context.requestMethod === "GET" ? { connectGetInfo: { queryParams: queryOf(context.url) } } : {}),
  });
}

function queryOf(url: string): Array<{ name: string; value: string[] }> {
  return [...new URL(url).searchParams].map(([name, value]) => ({ name, value: [value] }));
}

async function collect<D extends DescMessage>(
  desc: D,
  requests: AsyncIterable<MessageShape<D>>,
): Promise<{ first: MessageShape<D> | undefined; packed: Any[] }> {
  let first: MessageShape<D> | undefined;
  const packed: Any[] = [];
  for await (const request of requests) {
    first ??= request;
    packed.push(anyPack(desc, request));
  }
  return { first, packed };
}
