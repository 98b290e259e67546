import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, decodeBinaryHeader, encodeBinaryHeader } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { answerStreams, everyKind, requestStreams, testsOf } from "./channel-case.ts";
import type { ChannelTest, KindCases } from "./channel-case.ts";
import { kindNames, noted } from "./channel-kinds.ts";
import type { Handler, Sent } from "./channel-kinds.ts";
import { Offer } from "./channel-offer.ts";

const info = create(ErrorInfoSchema, {
  reason: "SOLD_OUT",
  domain: "shop.example",
  metadata: { sku: "tea", warehouse: "Zürich" },
});
const violations = create(BadRequestSchema, {
  fieldViolations: [
    { field: "items[3].count", description: "at most 9", reason: "TOO_MANY" },
    { field: "name", localizedMessage: { locale: "de", message: "zu kurz" } },
  ],
});
const retry = create(RetryInfoSchema, { retryDelay: { seconds: 3n, nanos: 20_000 } });
const bytes = Uint8Array.of(0, 1, 127, 128, 255);
const message = "nothing left: 100% of «tea» is sold, 日本 🙂\nsorry";

/** An error with everything that an error can have. */
function rich(code: Code = Code.FailedPrecondition): ConnectError {
  const metadata = new Headers({ "x-why": "popular", "x-bytes-bin": encodeBinaryHeader(bytes) });
  metadata.append("x-many", "a");
  metadata.append("x-many", "b");
  return new ConnectError(message, code, metadata, [
    { desc: ErrorInfoSchema, value: info },
    { desc: BadRequestSchema, value: violations },
    { desc: RetryInfoSchema, value: retry },
  ]);
}

/** Fails unless the error has all of {@link rich}. */
function isRich(error: ConnectError): void {
  assert.equal(error.rawMessage, message, "the error's message has changed");
  const [gotInfo] = error.findDetails(ErrorInfoSchema);
  const [gotViolations] = error.findDetails(BadRequestSchema);
  const [gotRetry] = error.findDetails(RetryInfoSchema);
  assert.deepEqual([gotInfo, gotViolations, gotRetry], [info, violations, retry], "the error's details have changed");
  assert.equal(error.details.length, 3, "the error has other details too");
  const { metadata } = error;
  assert.equal(metadata.get("x-why"), "popular", "the error's metadata has changed");
  assert.deepEqual(metadata.get("x-many")?.split(/, */), ["a", "b"], "repeated metadata of the error has changed");
  const binary = metadata.get("x-bytes-bin");
  assert.ok(binary !== null, "the error lost its binary metadata");
  assert.deepEqual(decodeBinaryHeader(binary), bytes, "binary metadata of the error has changed");
}

/** Fails with what `make` makes, at once, or after as many messages as are asked for. */
function failing(make: () => unknown): Handler {
  return async function* fail(requests) {
    for await (const { number } of requests) {
      for (let at = 1n; at <= number; at++) yield { number: at };
      break;
    }
    throw make();
  };
}

const secret = "password of the database";

function hides(error: ConnectError): void {
  const all = [error.rawMessage, JSON.stringify(error.details), ...error.metadata.values()].join(" ");
  assert.ok(!all.includes(secret), "the caller sees what the handler threw");
}

const always: KindCases = {
  "hands over errors with code, message, details and metadata": async (bench, kind) => {
    const call = await bench.serve(failing(rich));
    isRich(await bench.fails(kindNames[kind], Code.FailedPrecondition, call(kind, [{}])));
  },

  "hides what a handler throws that is no ConnectError": async (bench, kind) => {
    const call = await bench.serve(failing(() => new TypeError(secret)));
    hides(await bench.fails(kindNames[kind], Code.Internal, call(kind, [{}])));
  },

  "says that a method is not implemented": async (bench, kind) => {
    const call = await bench.serve(undefined);
    const error = await bench.fails(kindNames[kind], Code.Unimplemented, call(kind, [{}]));
    assert.notEqual(error.rawMessage, "", "the error says nothing");
  },
};

const codes: KindCases = {
  "hands over every code": async (bench, kind) => {
    let next: Code = Code.Unknown;
    const call = await bench.serve(failing(() => new ConnectError("as told", next)));
    for (const code of Object.values(Code)) {
      if (typeof code !== "number") continue;
      next = code;
      const error = await bench.fails(kindNames[kind], code, call(kind, [{}]));
      assert.equal(error.rawMessage, "as told");
    }
  },
};

const later: KindCases = {
  "hands over errors after messages": async (bench, kind) => {
    const call = await bench.serve(failing(rich));
    const seen: bigint[] = [];
    const answers = noted(call(kind, [{ number: 2n }]), seen);
    isRich(await bench.fails(kindNames[kind], Code.FailedPrecondition, answers));
    assert.deepEqual(seen, [1n, 2n], "messages before the error are missing");
  },

  "hides what a handler throws after messages": async (bench, kind) => {
    const call = await bench.serve(failing(() => new TypeError(secret)));
    hides(await bench.fails(kindNames[kind], Code.Internal, call(kind, [{ number: 2n }])));
  },
};

const uploads: KindCases = {
  "ends the client's stream when the handler fails": async (bench, kind) => {
    const call = await bench.serve(failing(rich));
    const offer = new Offer<Sent>();
    offer.push({});
    isRich(await bench.fails(kindNames[kind], Code.FailedPrecondition, call(kind, offer)));
    await bench.until("the client's stream to be ended", () => offer.left);
  },

  "does not take requests that break off for all of them": async (bench, kind) => {
    let end = "none";
    const call = await bench.serve(async function* read(requests) {
      try {
        for await (const { text } of requests) end = text;
        end = "a good one";
      } catch {
        end = "an error";
      }
      yield {};
    });
    const offer = new Offer<Sent>();
    offer.push({ text: "begun" });
    const running = bench.within("the end of a call whose requests break off", async () => {
      for await (const _ of call(kind, offer));
    });
    running.catch(() => {});
    await bench.until("the first request", () => end === "begun");
    offer.fail(new Error("the caller's own"));
    await assert.rejects(running, (error) => error instanceof ConnectError);
    await bench.told();
    assert.notEqual(end, "a good one", "the handler must not see a good end of requests that broke off");
  },
};

/** What a channel must do with errors. */
export const channelErrorCases: readonly ChannelTest[] = [
  ...testsOf(everyKind, always),
  ...testsOf(["ask"], codes),
  ...testsOf(answerStreams, later),
  ...testsOf(requestStreams, uploads),
];
