import { isDeepStrictEqual } from "node:util";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, createServiceImplSpec } from "@connectrpc/connect";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { createHandlerFactory } from "@connectrpc/connect/protocol-connect";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import { createAsyncIterable } from "@connectrpc/connect/protocol";
import { describe, expect, test } from "vitest";
import { GreetService } from "../../../gen/greet/v1/greet_pb.ts";
import { Health } from "../../../gen/grpc/health/v1/health_pb.ts";
import { BadRequestSchema } from "../../../gen/google/rpc/error_details_pb.ts";
import { jsonCodec } from "../../../src/codec/json.ts";
import { protobufCodec } from "../../../src/codec/protobuf.ts";
import { maxTimerMs } from "../../../src/async/sleep.ts";
import { compressions, compressMinBytes } from "../../../src/protocol/compression.ts";
import { connectHandlers } from "../../../src/protocol/connect/server.ts";
import { randomGet, randomStream, randomUnary, seeded, table } from "./differential-requests.ts";
import type { RawRequest } from "./differential-requests.ts";

function act(name: string, context: HandlerContext): string {
  context.responseHeader.set("x-answer", context.requestHeader.get("x-question") ?? "none");
  context.responseTrailer.set("x-last", "trailer");
  switch (name) {
    case "refuse": {
      const value = create(BadRequestSchema, { fieldViolations: [{ field: "name", description: "not this one" }] });
      throw new ConnectError("bad näme", Code.FailedPrecondition, { "x-why": "taste" }, [{ desc: BadRequestSchema, value }]);
    }
    case "throw":
      throw new TypeError("secret of the database");
    case "metadata":
      for (const value of ["1", "2"]) context.responseHeader.append("x-many", value);
      context.responseTrailer.set("x-bin", "AAEC");
      return name;
    case "large":
      return "y".repeat(5_000);
    default:
      return `hello ${name}`;
  }
}

const implementation: ServiceImpl<typeof GreetService> = {
  greet: ({ name }, context) => ({ message: act(name, context) }),
  async *greetMany({ name }, context) {
    yield { message: act(name, context), index: 1 };
    if (name === "late") throw new ConnectError("too late", Code.Aborted, { "x-why": "late" });
    if (name === "many") for (let index = 2; index < 50; index++) yield { message: "z".repeat(index * 40), index };
  },
  async collect(requests, context) {
    const all: string[] = [];
    for await (const { name } of requests) all.push(act(name, context));
    return { message: all.join("+"), count: all.length };
  },
  async *chat(requests, context) {
    for await (const { name } of requests) yield { message: act(name, context) };
  },
};

const limits = { readMaxBytes: 10_000, writeMaxBytes: 10_000 };
const shutdownSignal = new AbortController().signal;
const upstream = createHandlerFactory({
  ...limits,
  acceptCompression: [...compressions],
  compressMinBytes,
  interceptors: [],
  shutdownSignal,
  maxTimeoutMs: maxTimerMs,
  requireConnectProtocolHeader: false,
});
const ours = connectHandlers({
  ...limits,
  codecs: [protobufCodec, jsonCodec()],
  interceptors: [],
  requestGate: undefined,
  shutdownSignal,
});

const greet = createServiceImplSpec<typeof GreetService>(GreetService, implementation);
// Unlike Greet, its Check may have side effects.
const health = createServiceImplSpec<typeof Health>(Health, { check: () => ({}) });
const specs = [...Object.values(greet.methods), ...Object.values(health.methods)];
const handlers = new Map(
  specs.map((spec) => [spec.method.name, { upstream: upstream(spec), ours: ours(spec) }]),
);

interface Answer {
  readonly status: number;
  readonly header: Record<string, string>;
  readonly body: Buffer;
  readonly trailer: Record<string, string>;
  readonly thrown?: string | undefined;
}

async function answerOf(handler: UniversalHandler, request: RawRequest): Promise<Answer> {
  const stop = new AbortController();
  try {
    const { status, header, body, trailer } = await handler({
      httpVersion: "2",
      method: request.method,
      url: `http://host${handler.requestPath}${request.query}`,
      header: new Headers(request.headers),
      body: createAsyncIterable([...request.body]),
      signal: stop.signal,
    });
    const chunks: Uint8Array[] = [];
    for await (const chunk of body ?? []) chunks.push(chunk);
    return { status, header: entries(header), body: Buffer.concat(chunks), trailer: entries(trailer) };
  } catch (error) {
    return { status: 0, header: {}, body: Buffer.alloc(0), trailer: {}, thrown: String(error) };
  } finally {
    stop.abort();
  }
}

function entries(headers: Headers | undefined): Record<string, string> {
  return Object.fromEntries(headers ?? []);
}

/** What an answer says, with errors and ends of streams read, so that their lengths do not matter. */
interface Said {
  status: number;
  readonly header: Record<string, string>;
  readonly trailer: Record<string, string>;
  readonly thrown: string | undefined;
  /** The error of a unary call or the end of a stream; undefined without. */
  end: { code?: string; message?: string } | undefined;
  /** Everything before the end, as it is on the wire. */
  readonly bytes: string;
  rest: string;
}

function said(answer: Answer): Said {
  const { "content-length": length, ...header } = answer.header;
  if (length !== undefined) expect(Number(length)).toBe(answer.body.length);
  const { status, trailer, body, thrown } = answer;
  const nothing = { status, header, trailer, thrown, end: undefined, rest: "" };
  const isStream = header["content-type"]?.startsWith("application/connect+") === true;
  const encoded = header["content-encoding"] !== undefined;
  if (!isStream && (status === 200 || status === 0 || body.length === 0 || encoded)) {
    return { ...nothing, bytes: body.toString("latin1") };
  }
  if (!isStream) return { ...nothing, ...split(JSON.parse(body.toString()) as object, "error"), bytes: "" };
  let at = 0;
  while (at + 5 <= body.length && body[at] !== 2) at += 5 + body.readUInt32BE(at + 1);
  const end = JSON.parse(body.subarray(at + 5).toString() || "{}") as object;
  return { ...nothing, ...split(end, "end"), bytes: body.subarray(0, at).toString("latin1") };
}

/** The code and message of an error apart from everything else that came with it. */
function split(json: object, kind: "error" | "end"): Pick<Said, "end" | "rest"> {
  const { error, ...outside } = kind === "error" ? { error: json } : (json as { error?: object });
  if (error === undefined) return { end: {}, rest: JSON.stringify(outside) };
  const { code, message, ...inside } = error as { code?: string; message?: string };
  const end = { ...(code === undefined ? {} : { code }), ...(message === undefined ? {} : { message }) };
  return { end, rest: JSON.stringify([outside, inside]) };
}

/** Requests that were made of others to explain a difference: those are not explained by more of them. */
const derived = new WeakSet<RawRequest>();

/** What differs on purpose: each turns our answer into upstream's, or finds that it does not apply. */
const intended: Readonly<
  Record<string, (mine: Said, theirs: Said, request: RawRequest) => Said | undefined | Promise<Said | undefined>>
> = {
  "a message that cannot be read is invalid_argument in every format, and the error names it": (mine) => {
    const found = /^cannot read greet\.v1\.\w+ as (protobuf|json): (.*)$/s.exec(mine.end?.message ?? "");
    if (found === null) return undefined;
    const [, format, why = ""] = found;
    if (mine.end?.code !== "invalid_argument") return undefined;
    return format === "json"
      ? { ...mine, end: { ...mine.end, message: why } }
      : {
          ...mine,
          status: mine.status === 200 ? 200 : 500,
          end: { code: "internal", message: `parse binary: ${why}` },
        };
  },
  "JSON that is not UTF-8 is an error, not question marks": (mine, theirs, request) => {
    const json = /json/i.test(request.headers["content-type"] ?? request.query);
    const message = mine.end?.message ?? "";
    return json && /^cannot read .* as json: .*not valid for encoding utf-8$/.test(message) ? theirs : undefined;
  },
  "a query parameter that is not base64 is the caller's mistake": (mine) => {
    if (mine.end?.message !== "the query parameter message is not base64") return undefined;
    if (mine.end.code !== "invalid_argument" || mine.status !== 400) return undefined;
    return { ...mine, status: 500, end: { code: "internal", message: "internal error" } };
  },
  "messages before one that is too large are answered, even those of the same chunk": async (mine, theirs, request) => {
    const tooLarge = /^message size \d+ is larger than/.test(theirs.end?.message ?? "");
    if (!tooLarge || derived.has(request)) return undefined;
    // What upstream says to the same bytes when they come one by one, with the other differences.
    const body = request.body.flatMap((chunk) => Array.from(chunk, (byte) => Uint8Array.of(byte)));
    const slow = { ...request, body };
    derived.add(slow);
    return (await difference(mine, (await answers(slow)).theirs, slow)) === undefined ? undefined : theirs;
  },
  "a message of which only the head came is incomplete, not the end": async (mine, theirs, request) => {
    const incomplete = "protocol error: incomplete envelope";
    const cut = mine.end?.message === incomplete && theirs.end?.message !== incomplete;
    if (!cut || derived.has(request)) return undefined;
    // What upstream says when one more byte has come, with the other differences.
    const more = { ...request, body: [...request.body, Uint8Array.of(0)] };
    derived.add(more);
    return (await difference(mine, (await answers(more)).theirs, more)) === undefined ? undefined : theirs;
  },
  "a charset may stand in quotes (RFC 9110, section 8.3.2)": async (mine, theirs, request) => {
    const type = request.headers["content-type"];
    if (theirs.status !== 415 || type?.includes('"') !== true) return undefined;
    const plain = { ...request, headers: { ...request.headers, "content-type": type.replaceAll('"', "") } };
    // What upstream says to the same thing without quotes, with the other differences.
    const { theirs: unquoted, mine: again } = await answers(plain);
    expect(mine).toEqual(again);
    return (await difference(mine, unquoted, plain)) === undefined ? undefined : theirs;
  },
};

const seen = new Set<string>();

async function answers(request: RawRequest): Promise<{ theirs: Said; mine: Said }> {
  const pair = handlers.get(request.rpc)!;
  const [theirs, mine] = await Promise.all([
    answerOf(pair.upstream, request),
    answerOf(pair.ours, request),
  ]);
  return { theirs: said(theirs), mine: said(mine) };
}

/** The name of the intended difference; "none" when there is none, undefined when it is not intended. */
async function difference(mine: Said, theirs: Said, request: RawRequest): Promise<string | undefined> {
  if (isDeepStrictEqual(mine, theirs)) return "none";
  for (const [name, turn] of Object.entries(intended)) {
    const turned = await turn(mine, theirs, request);
    if (turned !== undefined && isDeepStrictEqual(turned, theirs)) return name;
  }
  return undefined;
}

async function check(request: RawRequest): Promise<void> {
  const { theirs, mine } = await answers(request);
  const name = await difference(mine, theirs, request);
  if (name === undefined) expect({ request: readable(request), answer: mine }).toEqual({ request: readable(request), answer: theirs });
  else seen.add(name);
}

function readable({ body, ...request }: RawRequest): object {
  return { ...request, body: body.map((bytes) => Buffer.from(bytes).toString("latin1")) };
}

/** How many random requests of each kind. */
const rounds = Number(process.env["DIFFERENTIAL_ROUNDS"] ?? 1_500);
/** The first seed; each request has its own, one above the one before. */
const firstSeed = Number(process.env["DIFFERENTIAL_SEED"] ?? 1);

describe("our handlers of the Connect protocol and upstream's answer alike", () => {
  test.each(table)("%s", async (_, request) => {
    await check(request);
  });

  test.each([
    ["unary requests", randomUnary],
    ["GET requests", randomGet],
    ["streams", randomStream],
  ] as const)("random %s", async (_, make) => {
    for (let seed = firstSeed; seed < firstSeed + rounds; seed++) await check(make(seeded(seed)));
  });

  test("and every difference that is meant to be there is there", () => {
    expect([...seen].sort()).toEqual([...Object.keys(intended), "none"].sort());
  });
});
