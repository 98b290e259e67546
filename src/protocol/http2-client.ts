import { constants } from "node:http2";
import type { ClientHttp2Stream } from "node:http2";
import { Code, ConnectError } from "@connectrpc/connect";
import type {
  UniversalClientFn,
  UniversalClientRequest,
  UniversalClientResponse,
} from "@connectrpc/connect/protocol";
import { ByteQueue } from "./byte-queue.ts";
import { drained } from "./drain.ts";
import { toNodeHeaders, toWebHeaders } from "./headers.ts";
import { requestHeaders } from "./http2-connection.ts";
import type { Http2Connection } from "./http2-connection.ts";
import { resetError } from "./http2-error.ts";
import { endedUnsent } from "./keep-progress.ts";
import { local } from "./progress.ts";
import { resetStream } from "./reset-stream.ts";
import { askedMs } from "./timeout.ts";

/**
 * An HTTP client for Connect's transports over one {@link Http2Connection}.
 * Compared with the one of `@connectrpc/connect-node` it reads by events,
 * survives sessions that die at any moment, and its errors tell how far the
 * request had come.
 */
export function http2Client(connection: Http2Connection): UniversalClientFn {
  return async (request) => {
    const { signal } = request;
    if (signal?.aborted === true) throw endedUnsent(signal);
    const path = request.url.slice(connection.origin.length);
    const headers = { ...toNodeHeaders(request.header), ...requestHeaders(request.method, path) };
    const stream = await connection.opened((session) => session.request(headers), signal);
    return exchange(stream, request);
  };
}

function exchange(
  stream: ClientHttp2Stream,
  request: UniversalClientRequest,
): Promise<UniversalClientResponse> {
  return new Promise((resolve, reject) => {
    const trailer = new Headers();
    // A stream forgets its session before it tells how it ended.
    const { session } = stream;
    let declared: number | undefined;
    const body = new ByteQueue(stream, {
      abandon: () => {
        cancel();
      },
      // A reset with NO_ERROR may also cut an answer short: its length tells.
      complete: (received) =>
        stream.rstCode === constants.NGHTTP2_NO_ERROR &&
        (declared === undefined || declared === received),
    });
    let canceled = false;
    const cancel = (): void => {
      canceled = true;
      // Not from within one of the session's callbacks: Node would send an end first.
      setImmediate(resetStream, stream);
    };
    let failure: unknown;
    const fail = (error: unknown): void => {
      failure ??= error;
      body.fail(failure);
      reject(failure);
    };
    const aborted = (): void => {
      fail(ConnectError.from(request.signal?.reason, Code.Canceled));
      cancel();
    };
    stream.on("response", (headers) => {
      const length = headers["content-length"];
      if (length !== undefined) declared = Number(length);
      resolve({ status: headers[":status"] ?? 0, header: toWebHeaders(headers), body, trailer });
    });
    stream.on("trailers", (headers) => {
      toWebHeaders(headers).forEach((value, name) => {
        trailer.append(name, value);
      });
    });
    const timeoutMs = askedMs(request.header) ?? Number.POSITIVE_INFINITY;
    const begun = performance.now();
    const ended = (cause: unknown): void => {
      // Headers count in whole milliseconds.
      const over = performance.now() - begun >= timeoutMs - 1;
      fail(resetError(stream, session, cause, over));
    };
    stream.on("error", ended);
    stream.on("close", () => {
      request.signal?.removeEventListener("abort", aborted);
      // After a complete answer this changes nothing: the body has ended.
      ended(undefined);
    });
    if (request.signal?.aborted === true) aborted();
    else request.signal?.addEventListener("abort", aborted, { once: true });
    send(stream, request.body, () => canceled).catch((error: unknown) => {
      // Once the call has ended, a body may throw what ended it.
      fail(failure === undefined && request.signal?.aborted !== true ? local(error) : error);
      cancel();
    });
  });
}

/** Writes the request's body. Rejects only when the body itself throws. */
async function send(
  stream: ClientHttp2Stream,
  body: AsyncIterable<Uint8Array> | undefined,
  canceled: () => boolean,
): Promise<void> {
  if (body !== undefined) {
    for await (const chunk of body) {
      // The other side may answer and close before it has read everything.
      if (canceled() || stream.destroyed || stream.closed) return;
      if (!stream.write(chunk) && !(await drained(stream))) return;
    }
  }
  if (!canceled() && !stream.destroyed && !stream.closed) stream.end();
}
