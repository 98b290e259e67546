import { create } from "@bufbuild/protobuf";
import type { JsonValue, Message, Registry } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { UniversalClientResponse } from "@connectrpc/connect/protocol";
import { trailerDemux } from "@connectrpc/connect/protocol-connect";
import { errorText } from "../../error.ts";
import { readBody } from "./encoding.ts";
import { parseJson, utf8 } from "./json.ts";
import { lines } from "./lines.ts";
import { payload } from "./payload.ts";
import type { RestBinding } from "./rule.ts";
import { codeOfHttpStatus, detailTypes, statusError } from "./status.ts";

/** A unary answer. */
export interface ReadAnswer {
  readonly message: Message;
  readonly header: Headers;
  readonly trailer: Headers;
}

/** Reads the answers to requests of one binding. Errors of the other side are thrown as they were sent. */
export interface ResponseReader {
  /** What the caller should say that it accepts. */
  readonly accept: string;
  /** Whether answers are bytes with a content type of their own. */
  readonly raw: boolean;
  /** The message of a JSON body that is there as a whole. */
  readBytes(bytes: Uint8Array): Message;
  /** The only message. */
  read(response: UniversalClientResponse, method: string): Promise<ReadAnswer>;
  /** The messages of a server stream. Rejects when there are none because of an error. */
  stream(response: UniversalClientResponse): Promise<AsyncIterable<Message>>;
}

/** Compiles how the answers of a binding are read. */
export function responseReader(
  binding: RestBinding,
  registry: Registry,
  readMaxBytes: number,
): ResponseReader {
  const { method, responseBody } = binding;
  const content = payload(method.output, responseBody, { registry, emitDefaults: false });
  const streams = method.methodKind === "server_streaming";
  let known: Registry | undefined;
  const types = (): Registry => (known ??= detailTypes(method, registry));

  const failure = async (response: UniversalClientResponse): Promise<ConnectError> => {
    const { status, header } = response;
    const bytes = await readBody(response.body, header, readMaxBytes);
    const metadata = merged(...trailerDemux(header), response.trailer);
    const sent = isJson(header) ? attempt(() => parseJson(utf8(bytes))) : undefined;
    const error = sent === undefined ? undefined : statusError(sent, metadata, types);
    return error ?? new ConnectError(`HTTP ${status}`, codeOfHttpStatus(status), metadata);
  };

  async function* messages({ body, header, trailer }: UniversalClientResponse): AsyncGenerator<Message> {
    let failed: JsonValue | undefined;
    for await (const line of lines(body, readMaxBytes)) {
      // The error is the last line; its metadata comes with the trailers.
      if (failed !== undefined) throw new ConnectError("the stream goes on after its error", Code.Internal);
      const { result, error = null } = inAnswer(() => parseLine(line));
      if (result === undefined) failed = error;
      else yield inAnswer(() => content.fromJson(result));
    }
    if (failed === undefined) return;
    throw (
      statusError(failed, merged(header, trailer), types) ??
      new ConnectError("the stream ended with a line that is neither result nor error", Code.Internal)
    );
  }

  async function* pieces({ body, header }: UniversalClientResponse): AsyncGenerator<Message> {
    let type = header.get("content-type") ?? "";
    for await (const chunk of body) {
      yield content.fromRaw(chunk, type);
      type = "";
    }
  }

  return {
    accept: content.raw ? "*/*" : streams ? "application/x-ndjson" : "application/json",
    raw: content.raw,
    readBytes: (bytes) => inAnswer(() => content.fromText(utf8(bytes))),
    async read(response, httpMethod) {
      if (!succeeded(response)) throw await failure(response);
      const [header, trailer] = trailerDemux(response.header);
      const bytes = await readBody(response.body, header, readMaxBytes);
      if (content.raw) {
        return { message: content.fromRaw(bytes, header.get("content-type") ?? ""), header, trailer };
      }
      // There is no body to read a message from.
      if (httpMethod === "HEAD") return { message: create(method.output), header, trailer };
      if (!isJson(header)) throw unexpected(header, "application/json");
      return { message: inAnswer(() => content.fromText(utf8(bytes))), header, trailer };
    },
    async stream(response) {
      if (!succeeded(response)) throw await failure(response);
      if (content.raw) return pieces(response);
      const type = response.header.get("content-type") ?? "";
      if (!/^application\/(?:x-ndjson|json)\b/i.test(type)) throw unexpected(response.header, "application/x-ndjson");
      return messages(response);
    },
  };
}

function succeeded({ status }: UniversalClientResponse): boolean {
  return status >= 200 && status < 300;
}

function isJson(header: Headers): boolean {
  return /^application\/(?:[\w.-]+\+)?json\b/i.test(header.get("content-type") ?? "");
}

function unexpected(header: Headers, wanted: string): ConnectError {
  const type = header.get("content-type") ?? "(none)";
  return new ConnectError(`the server answered with the content type ${type} instead of ${wanted}`, Code.Unknown, header);
}

function merged(...all: readonly Headers[]): Headers {
  const metadata = new Headers();
  for (const headers of all) {
    headers.forEach((value, name) => {
      metadata.append(name, value);
    });
  }
  return metadata;
}

function parseLine(line: string): { readonly result?: JsonValue; readonly error?: JsonValue } {
  const json = parseJson(line);
  return typeof json === "object" && json !== null && !Array.isArray(json) ? json : {};
}

/** What a caller sent wrong is `invalid_argument`; the same in an answer is the server's mistake. */
function inAnswer<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    const message = `the answer cannot be understood: ${errorText(error)}`;
    throw new ConnectError(message, Code.Internal, undefined, undefined, error);
  }
}

function attempt<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch {
    return undefined;
  }
}
