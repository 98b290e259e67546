import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A request that the fake got. */
export interface FakeRequest {
  readonly method: string;
  readonly path: string;
  /** The index that was asked to wait beyond, or undefined for a query that must not wait. */
  readonly index: string | undefined;
  /** The wait as it was sent, such as `55000ms`. */
  readonly wait: string | undefined;
  readonly stale: boolean;
  readonly datacenter: string | undefined;
  readonly token: string | undefined;
  /** When it came, on the clock of `performance.now`. */
  readonly at: number;
  /** Aborts when the client closes the connection before the answer. */
  readonly gone: AbortSignal;
}

/** What the fake answers. */
export interface FakeAnswer {
  /** Default 200. */
  readonly status?: number | undefined;
  /** Value of `X-Consul-Index`; without one there is no such header. */
  readonly index?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Sent as JSON, or as it is when it is a string. Default `[]`. */
  readonly body?: unknown;
  /** Announces more than is sent, and closes the connection. Default false. */
  readonly truncate?: boolean | undefined;
}

/** A server that speaks as Consul does, and misbehaves as it is told. */
export interface FakeConsul extends AsyncDisposable {
  readonly address: string;
  /** All queries so far; requests about ACLs are left out. */
  readonly requests: readonly FakeRequest[];
}

/** Answers queries, counted from 0. */
export type FakeHandler = (request: FakeRequest, nth: number) => FakeAnswer | Promise<FakeAnswer>;

/** Starts a fake with a handler for its queries. */
export async function startFakeConsul(handler: FakeHandler): Promise<FakeConsul> {
  const requests: FakeRequest[] = [];
  const server = createServer((incoming, outgoing) => {
    const request = read(incoming, outgoing);
    if (request.path.includes("/acl/")) {
      outgoing.writeHead(401).end("ACL support disabled");
      return;
    }
    requests.push(request);
    void answer(handler, request, requests.length - 1, outgoing);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

/** An answer that never comes: the query waits until its client closes. */
export function never(request: FakeRequest): Promise<FakeAnswer> {
  return new Promise((resolve) => {
    request.gone.addEventListener("abort", () => {
      resolve({ status: 500 });
    });
  });
}

/** An entry of `/v1/health/service/:name`, as this registry would register it. */
export function entry(id: string, more: Readonly<Record<string, unknown>> = {}): unknown {
  return {
    Node: { Node: "fake", Address: "127.0.0.1" },
    Service: {
      ID: id,
      Service: "orders",
      Tags: ["shop.v1.Orders"],
      Address: "127.0.0.1",
      Port: 4001,
      Meta: { mesh: "1", channels: "protobuf", version: "1.0.0" },
      Weights: { Passing: 10, Warning: 1 },
      ...more,
    },
    Checks: [{ CheckID: "serfHealth", Status: "passing" }],
  };
}

async function answer(
  handler: FakeHandler,
  request: FakeRequest,
  nth: number,
  outgoing: ServerResponse,
): Promise<void> {
  try {
    write(await handler(request, nth), outgoing);
  } catch (error) {
    outgoing.writeHead(500).end(String(error));
  }
}

function read(incoming: IncomingMessage, outgoing: ServerResponse): FakeRequest {
  const url = new URL(incoming.url ?? "/", "http://fake");
  const gone = new AbortController();
  outgoing.once("close", () => {
    gone.abort();
  });
  const token = incoming.headers["x-consul-token"];
  return {
    method: incoming.method ?? "",
    path: url.pathname,
    index: url.searchParams.get("index") ?? undefined,
    wait: url.searchParams.get("wait") ?? undefined,
    stale: url.searchParams.has("stale"),
    datacenter: url.searchParams.get("dc") ?? undefined,
    token: typeof token === "string" ? token : undefined,
    at: performance.now(),
    gone: gone.signal,
  };
}

function write(answer: FakeAnswer, to: ServerResponse): void {
  const { status = 200, index, headers, body = [], truncate = false } = answer;
  const text = typeof body === "string" ? body : JSON.stringify(body);
  to.writeHead(status, {
    "content-type": "application/json",
    ...(index === undefined ? {} : { "x-consul-index": index }),
    ...headers,
    ...(truncate ? { "content-length": String(text.length + 100) } : {}),
  });
  if (truncate) to.write(text, () => to.destroy());
  else to.end(text);
}
