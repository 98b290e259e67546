import { Code, ConnectError } from "@connectrpc/connect";
import type { Interceptor } from "@connectrpc/connect";
import { expect } from "vitest";
import { greeter } from "../../examples/greeter/greeter.ts";
import { BadRequestSchema, ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { component, implement } from "../../src/index.ts";
import type { Component, Mesh, MeshOptions } from "../../src/index.ts";
import { LibraryService } from "../../gen/library/v1/library_pb.ts";
import { addBook, library } from "./library.ts";
import { until } from "../../src/testing/until.ts";
import { startMesh } from "./mesh.ts";
import type { StartedMesh } from "./mesh.ts";

/** What the server saw of a call. */
export interface Seen {
  /** HTTP method. */
  readonly http: string;
  readonly contentType: string | null;
  readonly encoding: string | null;
  /** The deadline as it came. */
  readonly timeout: string | null;
  readonly signal: AbortSignal;
}

/** A mesh for clients of other makes. */
export interface Foreign extends StartedMesh {
  /** The last call of each case: what callers named in the header `x-case`. */
  readonly seen: Map<string, Seen>;
  /** HTTP methods and content types of all calls, such as `POST application/proto`. */
  readonly spoken: Set<string>;
}

/** The message of the error of the cases `failure` and `broken`: text that headers cannot hold as it is. */
export const failureText = "it broke: 100 % naïve ☂";

/** Starts a mesh of a greeter that answers headers and fails on demand, and a library with one book. */
export async function startForeign(
  options: MeshOptions = {},
  prepare: (mesh: Mesh) => void = () => {},
): Promise<Foreign> {
  const seen = new Map<string, Seen>();
  const spoken = new Set<string>();
  const books = library();
  addBook(books, "shelves/a/books/b", { title: "Naïve", pages: 7, tags: ["old"], isbn: "123" });
  const shelf = component({ name: "library", services: [implement(LibraryService, books.implementation)] });
  const started = await startMesh({ ...options, components: [foreignGreeter(seen, spoken), shelf] }, prepare);
  return { ...started, seen, spoken };
}

/** A greeter whose calls say in the header `x-case` how they should go. */
function foreignGreeter(seen: Map<string, Seen>, spoken: Set<string>): Component {
  const behave: Interceptor = (next) => async (request) => {
    const { header, requestMethod: http, signal } = request;
    const name = header.get("x-case") ?? "";
    const contentType = header.get("content-type");
    const encoding = header.get("content-encoding") ?? header.get("grpc-encoding");
    const timeout = header.get("grpc-timeout") ?? header.get("connect-timeout-ms");
    seen.set(name, { http, contentType, encoding, timeout, signal });
    spoken.add(`${http} ${contentType}`);
    if (name === "failure") throw failure();
    if (name === "slow") {
      await new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => { reject(signal.reason as Error); }, { once: true });
      });
    }
    const response = await next(request);
    for (const [from, to] of [["x-question", "x-answer"], ["x-question-bin", "x-answer-bin"]] as const) {
      const value = header.get(from);
      if (value !== null) response.header.set(to, value);
    }
    response.trailer.set("x-last", "the end");
    return name === "broken" && response.stream ? { ...response, message: breakOff(response.message) } : response;
  };
  return greeter({ interceptors: [behave] });
}

async function* breakOff<T>(messages: AsyncIterable<T>): AsyncIterable<T> {
  for await (const message of messages) {
    yield message;
    throw failure();
  }
}

function failure(): ConnectError {
  return new ConnectError(failureText, Code.FailedPrecondition, { "x-why": "because" }, [
    { desc: ErrorInfoSchema, value: { reason: "BROKEN", domain: "greeter.example", metadata: { part: "ü" } } },
    { desc: BadRequestSchema, value: { fieldViolations: [{ field: "name", description: "too good" }] } },
  ]);
}

const details = [
  { type: "google.rpc.ErrorInfo", reason: "BROKEN", domain: "greeter.example", metadata: { part: "ü" } },
  { type: "google.rpc.BadRequest", violations: [{ field: "name", description: "too good" }] },
];

/** What all clients can do. */
export interface Abilities {
  /** Whether the client can stream requests. Default true. */
  readonly upload?: boolean | undefined;
  /** Whether the client can stream in both directions. Default: whether it can stream requests. */
  readonly bidi?: boolean | undefined;
  /** Whether the client compresses requests. Default true. */
  readonly gzip?: boolean | undefined;
  /** Whether the client can end a call before it is over. Default true. */
  readonly cancel?: boolean | undefined;
}

/**
 * Checks what a client of another make says about the calls that it made. All
 * of them make the same calls and speak of them in the same words; codes are
 * those of gRPC.
 */
export async function expectForeign(
  server: Foreign,
  report: unknown,
  { upload = true, bidi = upload, gzip = true, cancel = true }: Abilities = {},
): Promise<void> {
  const { id: instance, seen } = server;
  const broken = { code: Code.FailedPrecondition, message: failureText, details, why: "because" };
  expect(report).toEqual({
    unary: { message: "hello Ada", instance, answer: "why?", last: "the end", binary: "00ff10" },
    many: { messages: [1, 2, 3].map((index) => ({ message: "hello Ada", instance, index })), answer: "why?", last: "the end" },
    ...(upload ? { collected: { message: "hello Ada, Grace", instance, count: 2 } } : {}),
    // Each answer comes before the next question is asked.
    ...(bidi ? { chat: ["hello Ada", "hello Grace"] } : {}),
    zipped: { message: `hello ${"Ada ".repeat(1_000)}` },
    failure: broken,
    broken: { ...broken, messages: 1 },
    slow: { code: Code.DeadlineExceeded },
    slowStream: { code: Code.DeadlineExceeded, messages: 1 },
    ...(cancel ? { canceled: { code: Code.Canceled, messages: 1 } } : {}),
    unknown: { code: Code.Unimplemented },
  });
  expect(seen.get("zipped")?.encoding ?? null).toBe(gzip ? "gzip" : null);
  // The deadline was not only the caller's.
  expect(seen.get("slow")).toMatchObject({ timeout: expect.any(String) as unknown });
  expect(seen.get("slowStream")).toMatchObject({ timeout: expect.any(String) as unknown });
  await until(() => [...seen.values()].every(({ signal }) => signal.aborted), { what: "the end of all handlers" });
}
