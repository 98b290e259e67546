import { create, toBinary, toJsonString } from "@bufbuild/protobuf";
import { brotliCompressSync, gzipSync, zstdCompressSync } from "node:zlib";
import { GreetRequestSchema } from "../../../gen/greet/v1/greet_pb.ts";

/** A request as bytes; the same for whoever answers it. */
export interface RawRequest {
  readonly rpc: "Check" | "Greet" | "GreetMany" | "Collect" | "Chat";
  readonly method: string;
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: readonly Uint8Array[];
}

/** Numbers from 0 to below `n`, the same ones for the same seed (mulberry32). */
export type Random = (n: number) => number;

/** Makes a {@link Random}. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return (n) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % n;
  };
}

export const text = (of: string): Uint8Array => new TextEncoder().encode(of);

/** The request messages that implementations know what to do with, as they stand in a table. */
export const names: readonly string[] = ["Ada", "", "refuse", "throw", "metadata", "large", "late", "many", "ünïcode ✓", "x".repeat(3_000)];

/** A message, well-formed, as JSON or protobuf. All request messages of the service look alike. */
export function message(name: string, json: boolean): Uint8Array {
  const greet = create(GreetRequestSchema, { name });
  return json ? text(toJsonString(GreetRequestSchema, greet)) : toBinary(GreetRequestSchema, greet);
}

/** Bytes that are no message in one format or the other, and some that are one in a strange way. */
export const strange: readonly Uint8Array[] = [
  new Uint8Array(0),
  text("{"),
  text("null"),
  text("[]"),
  text('{"name":1}'),
  text('{"name":"a","name":"b"}'),
  text('{"unknown":{"a":[1,2,3]}}'),
  text('  {"name" : "spaced"}\n'),
  text('{"name":"a"} trailing'),
  Uint8Array.of(0xff, 0xfe, 0xfd),
  Uint8Array.of(0x0a, 0x05, 0x41),
  Uint8Array.of(0x0a, 0x01, 0xff),
  Uint8Array.of(0x08, 0x01),
  Uint8Array.of(0x7a, 0x02, 0x41, 0x42),
  text('{"name":"\xff"}').subarray(0, 10),
];

const compressors: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>> = {
  gzip: (bytes) => gzipSync(bytes),
  br: (bytes) => brotliCompressSync(bytes),
  zstd: (bytes) => zstdCompressSync(bytes),
};

/** The bytes in an encoding; as they are in one that does not exist. */
export function compress(bytes: Uint8Array, encoding: string | undefined): Uint8Array {
  return compressors[encoding ?? ""]?.(bytes) ?? bytes;
}

/** An enveloped message, with a length that may be wrong. */
export function envelope(
  bytes: Uint8Array,
  flags: number = 0,
  length: number = bytes.length,
): Uint8Array {
  const head = Buffer.alloc(5);
  head.writeUInt8(flags, 0);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, bytes]);
}

const json = { "content-type": "application/json" };
const proto = { "content-type": "application/proto" };
const jsonStream = { "content-type": "application/connect+json" };
const protoStream = { "content-type": "application/connect+proto" };

function post(rpc: RawRequest["rpc"], headers: RawRequest["headers"], ...body: Uint8Array[]): RawRequest {
  return { rpc, method: "POST", query: "", headers, body };
}

function get(query: string, headers: RawRequest["headers"] = {}): RawRequest {
  return { rpc: "Greet", method: "GET", query, headers, body: [] };
}

const named = (name: string): Uint8Array => message(name, true);

/** Requests that deserve a name. */
export const table: ReadonlyArray<readonly [string, RawRequest]> = [
  ["unary JSON", post("Greet", { ...json, "x-question": "why" }, named("Ada"))],
  ["unary protobuf", post("Greet", proto, message("Ada", false))],
  ["unary, an empty message", post("Greet", proto)],
  ["unary, an error with details, metadata and trailers", post("Greet", json, named("refuse"))],
  ["unary, an error that is hidden", post("Greet", proto, message("throw", false))],
  ["unary, a large answer that the caller can decompress", post("Greet", { ...json, "accept-encoding": "br, gzip" }, named("large"))],
  ["unary, a compressed request", post("Greet", { ...json, "content-encoding": "gzip" }, compress(named("Ada"), "gzip"))],
  ["unary, a request that is not compressed as it says", post("Greet", { ...json, "content-encoding": "gzip" }, named("Ada"))],
  ["unary, an unknown compression", post("Greet", { ...json, "content-encoding": "rot13" }, named("Ada"))],
  ["unary, a request above the limit", post("Greet", json, named("x".repeat(20_000)))],
  ["unary, a bomb", post("Greet", { ...json, "content-encoding": "gzip" }, compress(named("x".repeat(1_000_000)), "gzip"))],
  ["unary, fewer bytes than promised", post("Greet", { ...json, "content-length": "100" }, named("Ada"))],
  ["unary, more bytes than promised", post("Greet", { ...json, "content-length": "3" }, named("Ada"))],
  ["unary, no content type", post("Greet", {}, named("Ada"))],
  ["unary, a stream's content type", post("Greet", jsonStream, envelope(named("Ada")))],
  ["unary, a deadline that makes no sense", post("Greet", { ...json, "connect-timeout-ms": "soon" }, named("Ada"))],
  ["unary, another protocol version", post("Greet", { ...json, "connect-protocol-version": "2" }, named("Ada"))],
  ["GET with JSON", get('?connect=v1&encoding=json&message={"name":"Ada"}')],
  ["GET with protobuf", get("?connect=v1&encoding=proto&base64=1&message=CgNBZGE")],
  ["GET without a message", get("?connect=v1&encoding=proto")],
  ["GET without an encoding", get("?connect=v1&message={}")],
  ["GET with nothing", get("")],
  ["GET with a message that is not base64", get("?connect=v1&encoding=proto&base64=1&message=!!!")],
  ["GET with a compressed message", get(`?encoding=json&base64=1&compression=gzip&message=${Buffer.from(compress(named("Ada"), "gzip")).toString("base64url")}`)],
  ["GET of a method with side effects", { ...get("?connect=v1&encoding=json&message={}"), rpc: "Check" }],
  ["GET of a stream", { ...get("?connect=v1&encoding=json&message={}"), rpc: "Collect" }],
  ["a method with side effects", post("Check", json, text("{}"))],
  ["a server's stream", post("GreetMany", protoStream, envelope(message("many", false)))],
  ["a server's stream, compressed", post("GreetMany", { ...jsonStream, "connect-accept-encoding": "gzip" }, envelope(named("many")))],
  ["a server's stream without a request", post("GreetMany", jsonStream)],
  ["a server's stream with two requests", post("GreetMany", jsonStream, envelope(named("a")), envelope(named("b")))],
  ["a server's stream with an error after a message", post("GreetMany", jsonStream, envelope(named("late")))],
  ["a client's stream", post("Collect", protoStream, envelope(message("a", false)), envelope(message("b", false)))],
  ["a client's stream without messages", post("Collect", jsonStream)],
  ["a stream in both directions", post("Chat", jsonStream, envelope(named("a")), envelope(named("b")))],
  ["a stream with a message that is cut off", post("Chat", jsonStream, envelope(named("a")), envelope(named("b")).subarray(0, 9))],
  ["a stream with a compressed message that nobody announced", post("Chat", jsonStream, envelope(named("a"), 1))],
  ["a stream with an end from the caller", post("Chat", jsonStream, envelope(text("{}"), 2))],
  ["a stream with a length of 4 GiB", post("Chat", jsonStream, envelope(named("a"), 0, 0xffffffff))],
  ["a stream with a unary content type", post("Chat", json, named("a"))],
  ["a stream by GET", { ...post("Chat", jsonStream), method: "GET" }],
];

const encodings = [undefined, undefined, undefined, "identity", "gzip", "br", "zstd", "rot13", ""];
const accepts = [undefined, undefined, "gzip", "br", "zstd", "gzip, br", "br;q=0, gzip", "rot13", "identity", "*", ""];
const timeouts = [undefined, undefined, undefined, "5000", "0", "-1", "soon", "1.5", "99999999999", "0005000", ""];
const versions = [undefined, "1", "1", "2", ""];
const types = ["json", "proto", "JSON", "json; charset=utf-8", "json;charset=UTF-8", 'json; charset="utf-8"', "proto ", "json; charset=ascii", "proto; a=b", "xml", "connect+json"];

/** A random unary request by POST. */
export function randomUnary(random: Random): RawRequest {
  const pick = picker(random);
  const type = random(2) === 0 ? pick(["json", "proto"]) : pick(types);
  const encoding = pick(encodings);
  const plain = random(3) === 0 ? pick(strange) : message(pick(names), /json/i.test(type));
  // Sometimes the header says what the bytes are not.
  const bytes = random(8) === 0 ? plain : compress(plain, encoding);
  const cut = random(12) === 0 ? bytes.subarray(0, random(bytes.length + 1)) : bytes;
  return {
    rpc: "Greet",
    method: random(20) === 0 ? "PUT" : "POST",
    query: "",
    headers: header({
      "content-type": random(30) === 0 ? undefined : `application/${type}`,
      "content-encoding": encoding,
      "accept-encoding": pick(accepts),
      "connect-timeout-ms": pick(timeouts),
      "connect-protocol-version": pick(versions),
      "content-length": random(4) === 0 ? pick([`${cut.length}`, `${cut.length + 1}`, "0", "x", "1000000"]) : undefined,
      "x-question": random(2) === 0 ? "why" : undefined,
    }),
    body: chunks(cut, random),
  };
}

/** A random unary request by GET. */
export function randomGet(random: Random): RawRequest {
  const pick = picker(random);
  const encoding = pick(["json", "proto", "json", "proto", "xml", "JSON", undefined]);
  const compression = pick([undefined, undefined, undefined, "gzip", "identity", "rot13"]);
  const plain = random(4) === 0 ? pick(strange) : message(pick(names), encoding === "json");
  const bytes = compress(plain, compression);
  const base64 = encoding !== "json" || compression === "gzip" ? pick(["1", "1", "1", "0", undefined]) : pick(["1", undefined]);
  const encoded = base64 === "1" ? inBase64(bytes, pick(["base64", "base64url", "unpadded", "broken"])) : Buffer.from(bytes).toString();
  const query = new URLSearchParams(header({
    connect: pick(["v1", "v1", "v2", undefined]),
    encoding,
    base64,
    compression,
    message: random(20) === 0 ? undefined : encoded,
  }));
  return {
    rpc: "Greet",
    method: "GET",
    query: `?${query}`,
    headers: header({
      "accept-encoding": pick(accepts),
      "connect-timeout-ms": pick(timeouts),
      "content-type": random(10) === 0 ? "application/json" : undefined,
    }),
    body: [],
  };
}

/** A random streaming request, in whichever directions. */
export function randomStream(random: Random): RawRequest {
  const pick = picker(random);
  const rpc = pick(["GreetMany", "Collect", "Chat"] as const);
  const type = random(2) === 0 ? pick(["json", "proto"]) : pick(types);
  const encoding = pick(encodings);
  const parts: Uint8Array[] = [];
  const count = rpc === "GreetMany" ? pick([1, 1, 1, 1, 0, 2]) : random(4);
  for (let at = 0; at < count; at++) {
    const plain = random(6) === 0 ? pick(strange) : message(pick(names), /json/i.test(type));
    const compressed = random(3) === 0;
    const bytes = compressed ? compress(plain, encoding) : plain;
    const flags = random(15) === 0 ? pick([2, 3, 4, 0x80, 0xff]) : compressed ? 1 : 0;
    parts.push(envelope(bytes, flags, random(20) === 0 ? pick([0, bytes.length + 7, 2_000_000, 0xffffffff]) : bytes.length));
  }
  const whole = Buffer.concat(parts);
  const cut = random(12) === 0 ? whole.subarray(0, random(whole.length + 1)) : whole;
  return {
    rpc,
    method: random(25) === 0 ? "GET" : "POST",
    query: "",
    headers: header({
      "content-type": random(30) === 0 ? undefined : `application/connect+${type}`,
      "connect-content-encoding": encoding,
      "connect-accept-encoding": pick(accepts),
      "connect-timeout-ms": pick(timeouts),
      "connect-protocol-version": pick(versions),
    }),
    body: chunks(cut, random),
  };
}

function picker(random: Random): <T>(from: readonly T[]) => T {
  return (from) => from[random(from.length)]!;
}

function header(from: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(from).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

function inBase64(bytes: Uint8Array, how: string): string {
  const buffer = Buffer.from(bytes);
  if (how === "base64") return buffer.toString("base64");
  if (how === "unpadded") return buffer.toString("base64").replaceAll("=", "");
  return how === "broken" ? `${buffer.toString("base64url")}!*` : buffer.toString("base64url");
}

/** The bytes in pieces: as a whole, one by one, or cut somewhere. */
function chunks(bytes: Uint8Array, random: Random): readonly Uint8Array[] {
  switch (random(4)) {
    case 0: {
      const at = random(bytes.length + 1);
      return [bytes.subarray(0, at), bytes.subarray(at)];
    }
    case 1:
      return bytes.length < 64 ? [...bytes].map((byte) => Uint8Array.of(byte)) : [bytes];
    default:
      return [bytes];
  }
}
