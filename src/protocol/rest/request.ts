import { create } from "@bufbuild/protobuf";
import type { Message } from "@bufbuild/protobuf";
import { contractTypes } from "../../contract/types.ts";
import { readBody, streamBody } from "./encoding.ts";
import { parseJson, utf8 } from "./json.ts";
import { lines } from "./lines.ts";
import type { RestServerOptions } from "./options.ts";
import { pathBinder } from "./path.ts";
import { payload } from "./payload.ts";
import { queryBinder } from "./query.ts";
import { unsupportedType } from "./refusal.ts";
import type { RestBinding } from "./rule.ts";
import { maskFiller } from "./update-mask.ts";

/** A request before its body is read. */
export interface RestRequest {
  /** Path and query as they came, not decoded. */
  readonly target: string;
  readonly header: Headers;
  readonly body: AsyncIterable<Uint8Array>;
}

/** Reads the request messages of one binding. */
export interface RequestReader {
  /** Whether bodies are bytes with a content type of their own. */
  readonly raw: boolean;
  /** The message of a JSON body that is there as a whole, with query and path. */
  readBytes(bytes: Uint8Array, target: string): Message;
  /** The only message: from the body, the query and the path, the path over the others. */
  read(req: RestRequest): Promise<Message>;
  /**
   * The messages of a client stream: one a line, or one a chunk of raw content.
   * Query and path belong to the first. Throws at once for what can be seen
   * before the body.
   */
  stream(req: RestRequest): AsyncIterable<Message>;
}

const json = /^application\/(?:[\w.-]+\+)?json$/;
const jsonLines = /^application\/(?:x-ndjson|ndjson|jsonl|x-jsonlines|json)$/;

/** Compiles how the requests of a binding are read. Bad requests throw `invalid_argument` or a refusal. */
export function requestReader(binding: RestBinding, options: RestServerOptions): RequestReader {
  const { method, body } = binding;
  const field = body === "*" ? undefined : body;
  const registry = options.rest.registry ?? contractTypes(method.parent.file);
  const content = payload(method.input, field, { registry, emitDefaults: false });
  const bindQuery = queryBinder(binding, options.rest.unknownQuery ?? "refuse");
  const bindPath = pathBinder(binding);
  const fillMask = options.rest.fillUpdateMask === true ? maskFiller(binding) : undefined;

  const bind = (message: Message, target: string): Message => {
    const at = target.indexOf("?");
    bindQuery(message, at === -1 ? "" : target.slice(at + 1));
    bindPath(message, at === -1 ? target : target.slice(0, at));
    return message;
  };

  const readBytes = (bytes: Uint8Array, target: string): Message => {
    // Without a rule for it, what a caller sends as a body is not looked at.
    if (body === undefined) return bind(create(method.input), target);
    const text = utf8(bytes);
    const empty = text.trim() === "";
    const message = bind(empty ? create(method.input) : content.fromText(text), target);
    if (!empty) fillMask?.(message, parseJson(text));
    return message;
  };

  return {
    raw: content.raw,
    readBytes,
    async read(req) {
      // Without a rule for it, what a caller sends as a body is not looked at.
      if (body === undefined) return bind(create(method.input), req.target);
      if (!content.raw) checkType(req.header, json, "application/json");
      const bytes = await readBody(req.body, req.header, options.readMaxBytes);
      return content.raw ? bind(rawMessage(bytes, req.header), req.target) : readBytes(bytes, req.target);
    },
    stream(req) {
      if (!content.raw) checkType(req.header, jsonLines, "application/x-ndjson");
      // What is wrong with path and query shows before the first message.
      bind(create(method.input), req.target);
      const bytes = streamBody(req.body, req.header);
      return content.raw ? pieces(bytes, req) : messages(bytes, req.target);
    },
  };

  function rawMessage(bytes: Uint8Array, header: Headers): Message {
    const type = header.get("content-type");
    return bytes.byteLength === 0 && type === null ? create(method.input) : content.fromRaw(bytes, type ?? "");
  }

  async function* messages(bytes: AsyncIterable<Uint8Array>, target: string): AsyncGenerator<Message> {
    let first = true;
    for await (const line of lines(bytes, options.readMaxBytes)) {
      const message = content.fromText(line);
      yield first ? bind(message, target) : message;
      first = false;
    }
  }

  async function* pieces(bytes: AsyncIterable<Uint8Array>, { target, header }: RestRequest): AsyncGenerator<Message> {
    let first = true;
    for await (const chunk of bytes) {
      yield first ? bind(rawMessage(chunk, header), target) : content.fromRaw(chunk, "");
      first = false;
    }
    if (first) yield bind(rawMessage(new Uint8Array(0), header), target);
  }
}

function checkType(header: Headers, pattern: RegExp, wanted: string): void {
  const given = header.get("content-type");
  if (given === null || header.get("content-length") === "0") return;
  const [type = "", ...parameters] = given.toLowerCase().split(";").map((part) => part.trim());
  const charset = parameters.find((parameter) => parameter.startsWith("charset="))?.slice("charset=".length);
  const readable = charset === undefined || /^"?(?:utf-?8|us-ascii)"?$/.test(charset);
  if (!pattern.test(type) || !readable) throw unsupportedType(given, wanted);
}
