import type { DescMethod, Message, Registry } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { CallOptions, Interceptor } from "@connectrpc/connect";
import type { Compression, UniversalClientFn } from "@connectrpc/connect/protocol";
import { contractTypes } from "../../contract/types.ts";
import { compressions } from "../compression.ts";
import { headersOf } from "../headers.ts";
import { local } from "../progress.ts";
import type { UnaryHttp } from "../unary/http.ts";
import { requestWriter, writeRequest } from "./client-request.ts";
import type { RequestWriter, WrittenRequest } from "./client-request.ts";
import { responseReader } from "./client-response.ts";
import type { ResponseReader } from "./client-response.ts";
import { methodName, restBindings } from "./rule.ts";

/** Options of the REST client. */
export interface RestClientOptions {
  /** Carries the requests. */
  readonly httpClient: UniversalClientFn;
  /** Carries unary calls that want nothing unusual. Default: they go by `httpClient` too. */
  readonly unaryHttp?: UnaryHttp | undefined;
  /** Scheme and authority of request URLs. */
  readonly baseUrl: string;
  /**
   * Waits for a connection before the first message of a stream is taken, so
   * that a call that finds none can still go elsewhere.
   */
  readonly ready: ((signal: AbortSignal) => Promise<void>) | undefined;
  /** Run around each call. */
  readonly interceptors: readonly Interceptor[];
  /** Types that may stand in a `google.protobuf.Any`, and types of error details. */
  readonly registry: Registry | undefined;
  /** Compresses request bodies; undefined sends them as they are. */
  readonly compression: Compression | undefined;
  /** Smallest body that is compressed, in bytes. */
  readonly compressMinBytes: number;
  /** Largest response message, also after decompression, in bytes. */
  readonly readMaxBytes: number;
  /** Largest request message, in bytes. */
  readonly writeMaxBytes: number;
}

/** How a caller wants one call made. */
export interface RestCallInit {
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number | undefined;
  readonly header: HeadersInit | undefined;
  readonly contextValues: CallOptions["contextValues"];
}

/** A method as the client calls it, worked out once. */
export interface RestMethod {
  readonly name: string;
  /** For interceptors, before a message tells the real URL. */
  readonly url: string;
  readonly httpMethod: string;
  /** Chooses a binding for a message and writes the request. */
  write(message: Message): RestExchange;
}

/** A request, and how its answer is read. */
export interface RestExchange {
  readonly writer: RequestWriter;
  readonly request: WrittenRequest;
  readonly reader: ResponseReader;
}

/** Prepares a method. Throws `unimplemented` when REST cannot call it. */
export function restMethod(method: DescMethod, options: RestClientOptions): RestMethod {
  const name = methodName(method);
  const bindings = method.methodKind === "bidi_streaming" ? [] : restBindings(method);
  const [primary] = bindings;
  if (primary === undefined) {
    const why =
      method.methodKind === "bidi_streaming"
        ? "it streams in both directions, which REST cannot carry"
        : "it has no google.api.http rule";
    throw local(new ConnectError(`${name} cannot be called over rest: ${why}; use another channel`, Code.Unimplemented));
  }
  const { readMaxBytes } = options;
  const registry = options.registry ?? contractTypes(method.parent.file);
  const writers = bindings.map((binding) => requestWriter(binding, registry));
  const readers = new Map(
    bindings.map((binding) => [binding, responseReader(binding, registry, readMaxBytes)]),
  );
  const fallback = responseReader(primary, registry, readMaxBytes);
  return {
    name,
    url: `${options.baseUrl}${primary.template.text}`,
    httpMethod: primary.httpMethod,
    write(message) {
      const { writer, request } = writeRequest(writers, message);
      return { writer, request, reader: readers.get(writer.binding) ?? fallback };
    },
  };
}

const accepted = compressions.map(({ name }) => name).join(",");

/** The headers of a call that do not depend on its message. */
export function callHeader(
  { header: init }: RestCallInit,
  { compression }: RestClientOptions,
  timeoutMs: number | undefined,
): Headers {
  const header = headersOf(init);
  if (timeoutMs !== undefined) header.set("connect-timeout-ms", String(timeoutMs));
  if (compression !== undefined) header.set("accept-encoding", accepted);
  if (!header.has("user-agent")) header.set("user-agent", "connect-mesh");
  return header;
}

/** Throws `resource_exhausted` for a message that is too large to be sent. */
export function checkSize(bytes: Uint8Array, { writeMaxBytes }: RestClientOptions): Uint8Array {
  if (bytes.byteLength <= writeMaxBytes) return bytes;
  throw new ConnectError(
    `message size ${bytes.byteLength} is larger than configured writeMaxBytes ${writeMaxBytes}`,
    Code.ResourceExhausted,
  );
}

/** Sets the headers that depend on the request. */
export function describe(header: Headers, { request, reader }: RestExchange): void {
  header.set("accept", reader.accept);
  const type = request.body?.contentType ?? "";
  if (type === "") header.delete("content-type");
  else header.set("content-type", type);
}
