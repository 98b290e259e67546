import assert from "node:assert/strict";
import { Code, ConnectError, decodeBinaryHeader, encodeBinaryHeader } from "@connectrpc/connect";
import type { CallOptions } from "@connectrpc/connect";
import { everyKind, testsOf } from "./channel-case.ts";
import type { ChannelTest, KindCases } from "./channel-case.ts";
import { kindNames } from "./channel-kinds.ts";

const bytes = [Uint8Array.of(0, 1, 127, 128, 255), Uint8Array.of(), new TextEncoder().encode("日本")];
const printable = "!#$%&'()*+-./:;<=>?@[]^_`{|}~ and \"quotes\"";

/** Headers with everything that headers can have. */
function rich(prefix: string): Headers {
  const headers = new Headers({
    [`${prefix}-One`]: "1",
    [`${prefix}-printable`]: printable,
    [`${prefix}-long`]: "x".repeat(4_000),
  });
  for (const value of ["a", "b", "c"]) headers.append(`${prefix}-many`, value);
  bytes.forEach((value, at) => {
    headers.append(`${prefix}-${at}-bin`, encodeBinaryHeader(value));
  });
  for (const value of bytes) headers.append(`${prefix}-all-bin`, encodeBinaryHeader(value));
  return headers;
}

/** Fails unless the headers have all of {@link rich}. */
function isRich(headers: Headers | undefined, prefix: string, what: string): void {
  assert.ok(headers !== undefined, `there are no ${what}`);
  const get = (name: string): string => {
    const value = headers.get(`${prefix}-${name}`);
    assert.ok(value !== null, `${prefix}-${name} is missing in the ${what}`);
    return value;
  };
  const changed = (name: string): string => `${prefix}-${name} has changed in the ${what}`;
  assert.equal(get("one"), "1", changed("one"));
  assert.equal(get("printable"), printable, changed("printable"));
  assert.equal(get("long").length, 4_000, changed("long"));
  assert.deepEqual(get("many").split(/, */), ["a", "b", "c"], changed("many"));
  bytes.forEach((value, at) => {
    assert.deepEqual(decodeBinaryHeader(get(`${at}-bin`)), value, changed(`${at}-bin`));
  });
  const all = get("all-bin").split(/, */);
  assert.deepEqual(all.map((value) => decodeBinaryHeader(value)), bytes, changed("all-bin"));
}

/** Takes down the headers and trailers of a call. */
function heard(): CallOptions & { header?: Headers; trailer?: Headers } {
  const options: CallOptions & { header?: Headers; trailer?: Headers } = {
    onHeader: (header) => (options.header = header),
    onTrailer: (trailer) => (options.trailer = trailer),
  };
  return options;
}

const cases: KindCases = {
  "brings headers to the handler": async (bench, kind) => {
    const call = await bench.serve(async function* none() {
      yield {};
    });
    await bench.all(kindNames[kind], call(kind, [{}], { headers: rich("x-ask") }));
    isRich((await bench.begun()).requestHeader, "x-ask", "headers of the request");
  },

  "brings headers and trailers to the caller": async (bench, kind) => {
    const call = await bench.serve(async function* answer(_requests, { responseHeader, responseTrailer }) {
      for (const [name, value] of rich("x-head")) responseHeader.set(name, value);
      for (const [name, value] of rich("x-tail")) responseTrailer.set(name, value);
      responseHeader.append("set-cookie", "a=1; Path=/");
      responseHeader.append("set-cookie", "b=2; Expires=Wed, 21 Oct 2026 07:28:00 GMT");
      yield {};
    });
    const options = heard();
    await bench.all(kindNames[kind], call(kind, [{}], options));
    isRich(options.header, "x-head", "headers of the answer");
    isRich(options.trailer, "x-tail", "trailers of the answer");
    assert.deepEqual(options.header?.getSetCookie(), [
      "a=1; Path=/",
      "b=2; Expires=Wed, 21 Oct 2026 07:28:00 GMT",
    ]);
  },

  "brings headers and trailers of an answer along with its error": async (bench, kind) => {
    const call = await bench.serve(async function* fail(_requests, { responseHeader, responseTrailer }) {
      responseHeader.set("x-head", "1");
      responseTrailer.set("x-tail", "2");
      yield await Promise.reject(new ConnectError("no", Code.NotFound, { "x-own": "3" }));
    });
    const { metadata } = await bench.fails(kindNames[kind], Code.NotFound, call(kind, [{}]));
    const got = ["x-head", "x-tail", "x-own"].map((name) => metadata.get(name));
    assert.deepEqual(got, ["1", "2", "3"], "the error's metadata lacks headers or trailers");
  },

  "carries header values beyond ASCII as they are, or refuses them": async (bench, kind) => {
    const value = "grüezi ÿ";
    const call = await bench.serve(async function* answer(_requests, { responseHeader }) {
      responseHeader.set("x-head", value);
      yield {};
    });
    const sent = heard();
    try {
      await bench.all(kindNames[kind], call(kind, [{}], { ...sent, headers: { "x-ask": value } }));
    } catch (error) {
      assert.ok(error instanceof ConnectError, `not a ConnectError: ${String(error)}`);
      return;
    }
    const { requestHeader } = await bench.begun();
    assert.equal(requestHeader.get("x-ask"), value, "the request's header has changed");
  },
};

/** What a channel must do with headers and trailers. */
export const channelMetadataCases: readonly ChannelTest[] = testsOf(everyKind, cases);
