import { create, equals, toJson } from "@bufbuild/protobuf";
import type { DescMessage, DescMethod, Message } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HttpBodySchema } from "../../../gen/google/api/httpbody_pb.ts";
import { LibraryService } from "../../../gen/library/v1/library_pb.ts";
import { contractTypes } from "../../../src/contract/types.ts";
import { answerWriter } from "../../../src/protocol/rest/answer.ts";
import { requestWriter } from "../../../src/protocol/rest/client-request.ts";
import type { WrittenRequest } from "../../../src/protocol/rest/client-request.ts";
import { responseReader } from "../../../src/protocol/rest/client-response.ts";
import { isTextMessage } from "../../../src/protocol/rest/field-path.ts";
import { assignAt, valueOf } from "../../../src/protocol/rest/fields.ts";
import { requestReader } from "../../../src/protocol/rest/request.ts";
import type { RestRequest } from "../../../src/protocol/rest/request.ts";
import { restBindings } from "../../../src/protocol/rest/rule.ts";
import type { RestBinding } from "../../../src/protocol/rest/rule.ts";
import { RestTrie } from "../../../src/protocol/rest/trie.ts";
import { all, streamOf } from "../../support/outcome.ts";
import { randomMessage, text } from "../../support/random-message.ts";

const seeded = { seed: 20_260_901, numRuns: 200 };
const options = { rest: {}, readMaxBytes: 1e9, writeMaxBytes: 1e9 };

const types = contractTypes(LibraryService.file);
const bindings = LibraryService.methods.flatMap((method) => restBindings(method));
const named = bindings.map((binding) => [`${binding.httpMethod} ${binding.template.text}`, binding] as const);
const trie = new RestTrie<RestBinding>();
for (const binding of bindings) trie.add(binding, binding);

/** Raw content has a content type, or it would be as good as none. */
const httpBody = (desc: DescMessage): fc.Arbitrary<Message> | undefined =>
  desc.typeName === HttpBodySchema.typeName
    ? fc
        .record({ contentType: fc.constantFrom("image/png", "text/plain; charset=utf-8"), data: fc.uint8Array({ maxLength: 9 }) })
        .map((init) => create(HttpBodySchema, init))
    : undefined;

/** Any request; most of them with values for the path that suit it. */
function requests(binding: RestBinding): fc.Arbitrary<Message> {
  const { method, template, variables } = binding;
  const segment = text.filter((value) => !/^\.{0,2}$/.test(value));
  const values = variables.map((variable) => {
    const parts = template.segments
      .slice(variable.start, variable.end)
      .map((each) =>
        each.kind === "literal"
          ? fc.constant(each.text)
          : each.kind === "multi"
            ? fc.array(segment, { maxLength: 3 }).map((list) => list.join("/"))
            : segment.map((value) => (variable.multi ? value.replaceAll("/", "-") : value)),
      );
    const leaf = variable.fields.at(-1);
    if (leaf?.fieldKind === "enum") return fc.constantFrom("GENRE_HISTORY", "GENRE_UNSPECIFIED");
    return fc.tuple(...parts).map((list) => list.join("/"));
  });
  return fc
    .tuple(randomMessage(method.input, 3, httpBody), fc.tuple(...values), fc.integer({ min: 0, max: 9 }))
    .map(([message, texts, chance]) => {
      if (chance > 1 && binding.body !== "*") dropUnfit(method.input, message);
      if (chance > 0) variables.forEach(({ fields }, at) => assignAt(message, fields, texts[at] ?? ""));
      return message;
    });
}

/** Takes out what no query can have: maps, repeated messages, and messages that say only that they are there. */
function dropUnfit(desc: DescMessage, message: Message): void {
  const properties = message as Message & Record<string, unknown>;
  for (const field of desc.fields) {
    if (field.fieldKind === "map") properties[field.localName] = {};
    if (field.fieldKind === "list" && field.message !== undefined && !isTextMessage(field.message)) properties[field.localName] = [];
    if (field.fieldKind !== "message" || isTextMessage(field.message)) continue;
    const child = valueOf(message, field) as Message | undefined;
    if (child === undefined) continue;
    dropUnfit(field.message, child);
    if (Object.keys(toJson(field.message, child) as object).length > 0) continue;
    if (field.oneof === undefined) delete properties[field.localName];
    else properties[field.oneof.localName] = { case: undefined };
  }
}

function received({ target, body }: WrittenRequest, more: readonly Uint8Array[] = []): RestRequest {
  const header = new Headers(body === undefined || body.contentType === "" ? {} : { "content-type": body.contentType });
  return { target, header, body: streamOf(...(body === undefined ? [] : [body.bytes]), ...more) };
}

function expectSame(desc: DescMessage, actual: Message | undefined, expected: Message | undefined): void {
  if (actual === undefined || expected === undefined) throw new Error("there is no message");
  expect(toJson(desc, actual)).toEqual(toJson(desc, expected));
  expect(equals(desc, actual, expected) || hasNaN(desc, expected)).toBe(true);
}

const hasNaN = (desc: DescMessage, message: Message): boolean => JSON.stringify(toJson(desc, message)).includes('"NaN"');

describe("what a client writes, a server reads as the same message", () => {
  const single = named.filter(([, { method }]) => method.methodKind !== "client_streaming");
  test.each(single)("%s", async (_name, binding) => {
    const { method } = binding;
    const writer = requestWriter(binding, types);
    const reader = requestReader(binding, options);
    let carried = 0;
    await fc.assert(
      fc.asyncProperty(requests(binding), async (message) => {
        const written = writer.write(message);
        if (typeof written === "string") return;
        carried++;
        // The same rule gets it, whatever its values look like.
        const path = written.target.split("?")[0] ?? "";
        expect(trie.match(written.method, path)).toEqual({ target: binding });
        expectSame(method.input, await reader.read(received(written)), message);
      }),
      seeded,
    );
    expect(carried).toBeGreaterThan(seeded.numRuns / 5);
  });

  test("all messages of a client stream", async () => {
    const [binding] = restBindings(LibraryService.method.importBooks);
    if (binding === undefined) throw new Error("there is no binding");
    const { input }: DescMethod = binding.method;
    const writer = requestWriter(binding, types);
    const reader = requestReader(binding, options);
    const streams = fc.tuple(requests(binding), fc.array(randomMessage(input), { maxLength: 3 }));
    await fc.assert(
      fc.asyncProperty(streams, async ([first, others]) => {
        const written = writer.write(first);
        if (typeof written === "string") return;
        const more = others.map((message) => writer.more(message));
        expect(more.filter((each) => typeof each === "string")).toEqual([]);
        const messages = await all(reader.stream(received(written, more as Uint8Array[])));
        expect(messages).toHaveLength(others.length + 1);
        [first, ...others].forEach((message, at) => {
          expectSame(input, messages[at], message);
        });
      }),
      seeded,
    );
  });
});

describe("what a server writes, a client reads as the same message", () => {
  test.each(named.filter(([, { method }]) => method.methodKind === "unary"))("%s", async (_name, binding) => {
    const { method, responseBody } = binding;
    const reader = responseReader(binding, types, 1e9);
    for (const emitDefaults of [false, true]) {
      const writer = answerWriter(binding, { ...options, rest: { emitDefaults } });
      await fc.assert(
        fc.asyncProperty(randomMessage(method.output, 3, httpBody), async (message) => {
          const header = new Headers({ "content-type": "application/json" });
          const body = streamOf(writer.body(message, header));
          const read = await reader.read({ status: 200, header, body, trailer: new Headers() }, "POST");
          const sent = create(method.output) as Message & Record<string, unknown>;
          if (responseBody === undefined) expectSame(method.output, read.message, message);
          else {
            const value = (message as typeof sent)[responseBody.localName];
            expectSame(method.output, read.message, Object.assign(sent, { [responseBody.localName]: value }));
          }
        }),
        { ...seeded, numRuns: 60 },
      );
    }
  });
});
