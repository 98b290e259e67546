import type { ClientRequest, IncomingMessage } from "node:http";
import { Code, ConnectError } from "@connectrpc/connect";
import type {
  UniversalClientFn,
  UniversalClientRequest,
  UniversalClientResponse,
} from "@connectrpc/connect/protocol";
import { ByteQueue } from "./byte-queue.ts";
import { drained } from "./drain.ts";
import { toNodeHeaders, toWebHeaders } from "./headers.ts";
import type { Http1Connections, Http1Request } from "./http1-connections.ts";
import { isDelimited, lost, undelimited } from "./http1-end.ts";

/**
 * An HTTP client for Connect's transports over {@link Http1Connections}. Its
 * errors tell how far the request had come: one that was written to a kept
 * connection, which the server closed meanwhile, counts as `sent`, since HTTP/1.1
 * cannot tell whether it was read (RFC 9112, section 9.3.1).
 */
export function http1Client(connections: Http1Connections): UniversalClientFn {
  return async (request) => {
    if (request.signal?.aborted === true) {
      throw ConnectError.from(request.signal.reason, Code.Canceled);
    }
    const path = request.url.slice(connections.origin.length);
    const begun = connections.begin(request.method, path, toNodeHeaders(request.header));
    return exchange(connections, begun, request);
  };
}

function exchange(
  connections: Http1Connections,
  { request, progress, cancel }: Http1Request,
  { signal, body }: UniversalClientRequest,
): Promise<UniversalClientResponse> {
  return new Promise((resolve, reject) => {
    let answer: { readonly response: IncomingMessage; readonly body: ByteQueue } | undefined;
    let failure: unknown;
    const fail = (error: unknown): void => {
      failure ??= error;
      answer?.body.fail(failure);
      reject(failure);
    };
    const lose = (cause: unknown): void => {
      fail(progress() === "unsent" ? connections.unreachable(cause) : lost(cause));
    };
    const aborted = (): void => {
      // The signal also aborts when a call has ended well: then the connection is kept.
      if (answer?.body.ended === true && request.writableFinished) return;
      fail(ConnectError.from(signal?.reason, Code.Canceled));
      cancel();
    };
    request.on("error", lose);
    request.on("response", (response) => {
      answer = { response, body: bodyOf(response, cancel, fail) };
      response.on("error", lose);
      // A request that was answered before it was sent blocks its connection.
      response.on("end", () => {
        if (!request.writableEnded) cancel();
      });
      resolve({
        status: response.statusCode ?? 0,
        header: toWebHeaders(response.headers),
        body: answer.body,
        trailer: trailerOf(response),
      });
    });
    request.once("close", () => {
      signal?.removeEventListener("abort", aborted);
      // What arrived completely may still wait for its reader.
      if (answer?.response.complete !== true) lose(undefined);
    });
    signal?.addEventListener("abort", aborted, { once: true });
    send(request, body).catch((error: unknown) => {
      fail(error);
      cancel();
    });
  });
}

/** The body of an answer, which ends only where it says that it ends. */
function bodyOf(
  response: IncomingMessage,
  abandon: () => void,
  fail: (error: unknown) => void,
): ByteQueue {
  const delimited = isDelimited(response.headers);
  return new ByteQueue(response, {
    abandon,
    complete: (received) => {
      if (delimited || received === 0) return true;
      fail(undelimited());
      return false;
    },
  });
}

/** The trailers of an answer, which are there once its body has ended. */
function trailerOf(response: IncomingMessage): Headers {
  const trailer = new Headers();
  response.prependListener("end", () => {
    toWebHeaders(response.trailers).forEach((value, name) => {
      trailer.append(name, value);
    });
  });
  return trailer;
}

/**
 * Writes the request's body, one that is a single chunk with its length.
 * Rejects only when the body itself throws.
 */
async function send(
  request: ClientRequest,
  body: AsyncIterable<Uint8Array> | undefined,
): Promise<void> {
  if (body === undefined) {
    request.end();
    return;
  }
  const chunks = body[Symbol.asyncIterator]();
  let complete = false;
  try {
    const first = await chunks.next();
    if (first.done === true) {
      complete = true;
      if (!request.destroyed) request.setHeader("content-length", 0).end();
      return;
    }
    const second = chunks.next();
    complete = await endsAtOnce(second);
    if (request.destroyed) return;
    if (complete) {
      request.setHeader("content-length", first.value.byteLength).end(first.value);
      return;
    }
    if (!(await write(request, first.value))) return;
    for (let next = await second; next.done !== true; next = await chunks.next()) {
      if (!(await write(request, next.value))) return;
    }
    complete = true;
    if (!request.destroyed) request.end();
  } finally {
    // The other side may answer and close before it has read everything.
    if (!complete) leave(chunks);
  }
}

/** Writes a chunk and waits until there is room for another. Resolves to whether there ever is. */
async function write(request: ClientRequest, chunk: Uint8Array): Promise<boolean> {
  if (request.destroyed) return false;
  return request.write(chunk) || (await drained(request));
}

/** Whether an iterator ends within this turn of the event loop: what is there already, and no more. */
function endsAtOnce(next: Promise<IteratorResult<Uint8Array>>): Promise<boolean> {
  const turn = new Promise<boolean>((resolve) => setImmediate(resolve, false));
  return Promise.race([turn, next.then(({ done }) => done === true)]);
}

function leave(chunks: AsyncIterator<Uint8Array>): void {
  chunks.return?.()?.catch(() => {
    // The caller's own clean-up failed; the call has ended without it.
  });
}
