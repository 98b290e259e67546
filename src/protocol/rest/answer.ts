import type { Message, Registry } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { HandlerContext } from "@connectrpc/connect";
import { createAsyncIterable, mergeNonProtocolHeaders } from "@connectrpc/connect/protocol";
import type { UniversalServerResponse } from "@connectrpc/connect/protocol";
import { codeToHttpStatus, trailerMux } from "@connectrpc/connect/protocol-connect";
import { contractTypes } from "../../contract/types.ts";
import { wireError } from "../wire-error.ts";
import { answerEncoding } from "./encoding.ts";
import type { RestServerOptions } from "./options.ts";
import { payload } from "./payload.ts";
import { HttpRefusal } from "./refusal.ts";
import type { RestBinding } from "./rule.ts";
import { detailTypes, statusJson } from "./status.ts";

/** An answer before it is compressed: its HTTP status and body. */
export interface Answer {
  readonly status: number;
  readonly body: Uint8Array;
}

/** Writes the answers of one binding. */
export interface AnswerWriter {
  /** Whether answers are bytes with a content type of their own. */
  readonly raw: boolean;
  /** The JSON of a message, or of the field that the rule sends. */
  json(message: Message): string;
  /** The JSON of a message as bytes. */
  bytes(message: Message): Uint8Array;
  /** The body of a message, of either kind; sets the content type. */
  body(message: Message, header: Headers): Uint8Array;
  /** The JSON of an error's `google.rpc.Status`. */
  status(error: ConnectError): string;
  /** The answer for what was thrown; sets headers. */
  failure(thrown: unknown, context: HandlerContext): Answer;
}

/** Compiles how the answers of a binding are written. */
export function answerWriter(binding: RestBinding, options: RestServerOptions): AnswerWriter {
  const { method, responseBody } = binding;
  const { registry, emitDefaults = false } = options.rest;
  const anys = registry ?? contractTypes(method.parent.file);
  const content = payload(method.output, responseBody, { registry: anys, emitDefaults });
  let known: Registry | undefined;
  const types = (): Registry => (known ??= detailTypes(method, registry));
  const status = (error: ConnectError): string => JSON.stringify(statusJson(error, types));

  const body = (message: Message, header: Headers): Uint8Array => {
    if (!content.raw) {
      // Interceptors may answer with headers of their own.
      if (!header.has("content-type")) header.set("content-type", "application/json");
      return limited(Buffer.from(content.toText(message)));
    }
    const { data, contentType = "" } = content.toRaw(message) ?? {};
    header.set("content-type", contentType === "" ? "application/octet-stream" : contentType);
    return limited(data ?? new Uint8Array(0));
  };

  const limited = (bytes: Uint8Array): Uint8Array => {
    if (bytes.byteLength <= options.writeMaxBytes) return bytes;
    throw new ConnectError(
      `message size ${bytes.byteLength} is larger than configured writeMaxBytes ${options.writeMaxBytes}`,
      Code.ResourceExhausted,
    );
  };

  return {
    raw: content.raw,
    json: (message) => {
      const text = content.toText(message);
      // Bytes are at most three times the characters: most messages need no count.
      if (text.length * 3 > options.writeMaxBytes) limited(Buffer.from(text));
      return text;
    },
    bytes: (message) => limited(Buffer.from(content.toText(message))),
    body,
    status,
    failure(thrown, { responseHeader }) {
      const refusal = thrown instanceof HttpRefusal ? thrown : undefined;
      const error = refusal?.error ?? wireError(thrown);
      responseHeader.set("content-type", "application/json");
      for (const [name, value] of Object.entries(refusal?.headers ?? {})) responseHeader.set(name, value);
      // The metadata of an error that came from another call stays with that call.
      if (!error.isWireError) mergeNonProtocolHeaders(responseHeader, error.metadata);
      // A 401 must name a scheme (RFC 9110, section 15.5.2).
      if (error.code === Code.Unauthenticated && !responseHeader.has("www-authenticate")) {
        responseHeader.set("www-authenticate", "Bearer");
      }
      return { status: refusal?.status ?? codeToHttpStatus(error.code), body: Buffer.from(status(error)) };
    },
  };
}

/** Sends an answer that is known as a whole: trailers as headers with the prefix `trailer-`, compressed if it pays. */
export async function finish(
  { status, body }: Answer,
  context: HandlerContext,
): Promise<UniversalServerResponse> {
  const header = trailerMux(context.responseHeader, context.responseTrailer);
  // What a GET would send is not worked out for HEAD; its length may be left out (RFC 9110, section 8.6).
  if (context.requestMethod === "HEAD") return { status, header, body: createAsyncIterable([]) };
  const encoding = answerEncoding(context.requestHeader, body.byteLength);
  let bytes = body;
  if (encoding !== undefined) {
    bytes = await encoding.compress(body);
    header.set("content-encoding", encoding.name);
    header.append("vary", "accept-encoding");
  }
  header.set("content-length", String(bytes.byteLength));
  return { status, header, body: createAsyncIterable([bytes]) };
}
