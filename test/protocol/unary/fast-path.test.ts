import { afterAll, beforeAll, expect, test } from "vitest";
import { Code, ConnectError } from "@connectrpc/connect";
import { create, toBinary } from "@bufbuild/protobuf";
import { BadRequestSchema } from "../../../gen/google/rpc/error_details_pb.ts";
import { GreetRequestSchema, GreetService } from "../../../gen/greet/v1/greet_pb.ts";
import { component, implement } from "../../../src/index.ts";
import { envelope, RawHttp2 } from "../../support/raw-http2.ts";
import type { RawAnswer } from "../../support/raw-http2.ts";
import { startMesh } from "../../support/mesh.ts";
import type { StartedMesh } from "../../support/mesh.ts";
import { seeded } from "../connect/differential-requests.ts";

const path = "/greet.v1.GreetService/Greet";
const gzip = { "accept-encoding": "gzip" };

/** What every request is answered by: its name decides how. */
const greeter = component({
  name: "greeter",
  services: [
    implement(GreetService, {
      async greet({ name }, context) {
        if (name === "headers") {
          context.responseHeader.set("x-head", context.requestHeader.get("x-question") ?? "none");
          context.responseHeader.append("set-cookie", "a=1");
          context.responseHeader.append("set-cookie", "b=2");
          context.responseTrailer.set("x-tail", "yes");
        }
        if (name === "refuse") {
          throw new ConnectError("no", Code.FailedPrecondition, { "x-why": "taste", "x-bin": "AAE" }, [
            { desc: BadRequestSchema, value: create(BadRequestSchema, { fieldViolations: [{ field: "name" }] }) },
          ]);
        }
        if (name === "throw") throw new TypeError("secret");
        if (name === "hang") await new Promise(() => {});
        if (name === "long") return { message: "x".repeat(5_000) };
        return { message: `hello ${name}, ${context.protocolName} ${context.requestMethod} ${new URL(context.url).pathname}` };
      },
    }, { partial: true }),
  ],
});

let short: StartedMesh;
let general: StartedMesh;

beforeAll(async () => {
  short = await startMesh({ components: [greeter] });
  // A component belongs to one mesh.
  const twin = component({ name: "greeter", services: greeter.services });
  general = await startMesh({ components: [twin], fastPath: false });
});

afterAll(async () => {
  await short.mesh.close();
  await general.mesh.close();
});

interface Request {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** An answer without what differs from second to second. */
function lasting({ status, headers, trailers, body, reset }: RawAnswer): object {
  const { date: _, ...others } = headers;
  return { status, headers: { ...others }, trailers: { ...trailers }, body: body.toString("latin1"), reset };
}

async function alike(request: Request): Promise<void> {
  const answers = await Promise.all(
    [short, general].map(async ({ address }) => {
      using http = new RawHttp2(address);
      return lasting(await http.call(request.path, request.headers, request.body));
    }),
  );
  expect({ request, answer: answers[0] }).toEqual({ request, answer: answers[1] });
}

const names = ["Ada", "", "headers", "refuse", "throw", "long", "ключ"];
const proto = (name: string): Uint8Array => toBinary(GreetRequestSchema, create(GreetRequestSchema, { name }));
const text = (name: string): Uint8Array => Buffer.from(JSON.stringify({ name }));

/** The same call over each wire. */
const wires: Readonly<Record<string, (name: string) => Request>> = {
  protobuf: (name) => ({ path, headers: { "content-type": "application/proto" }, body: proto(name) }),
  json: (name) => ({ path, headers: { "content-type": "application/json" }, body: text(name) }),
  msgpack: (name) => ({
    path,
    headers: { "content-type": "application/msgpack" },
    body: Buffer.concat([Buffer.of(0x81, 0xa4), Buffer.from("name"), Buffer.of(0xa0 + Buffer.byteLength(name)), Buffer.from(name)]),
  }),
  grpc: (name) => ({ path, headers: { "content-type": "application/grpc", te: "trailers" }, body: envelope(proto(name)) }),
  "grpc with JSON": (name) => ({ path, headers: { "content-type": "application/grpc+json", te: "trailers" }, body: envelope(text(name)) }),
  rest: (name) => ({ path: `/v1/greet/${encodeURIComponent(name)}`, headers: { ":method": "GET" }, body: new Uint8Array(0) }),
};

const headers: ReadonlyArray<Readonly<Record<string, string>>> = [
  {},
  { "x-question": "why" },
  { "connect-timeout-ms": "5000", "grpc-timeout": "5S" },
  { "connect-timeout-ms": "soon", "grpc-timeout": "soon" },
  { "connect-timeout-ms": "99999999999" },
  gzip,
  { "accept-encoding": "identity", "grpc-accept-encoding": "identity,gzip" },
  { "content-encoding": "gzip" },
  { "content-encoding": "identity", "grpc-encoding": "identity" },
  { "grpc-encoding": "snappy" },
  { "content-type": "application/json; charset=utf-8" },
  { "content-type": "text/plain" },
];

test.each(Object.keys(wires))("calls are answered alike on the short way and in general: %s", async (wire) => {
  for (const name of names) {
    for (const own of headers) {
      const request = wires[wire]!(name);
      await alike({ ...request, headers: { ...request.headers, ...own } });
    }
  }
});

test.each(Object.keys(wires))("so are calls that are broken: %s", async (wire) => {
  const random = seeded(7);
  for (let round = 0; round < 150; round++) {
    const { body, ...request } = wires[wire]!(names[random(names.length)] ?? "");
    const bytes = Uint8Array.from(body);
    const at = random(bytes.length || 1);
    if (random(2) === 0 && bytes.length > 0) bytes[at] = random(256);
    await alike({ ...request, body: random(10) < 3 ? bytes.subarray(0, at) : bytes });
  }
});

test.each(Object.keys(wires))("so are calls that come to their deadline: %s", async (wire) => {
  const request = wires[wire]!("hang");
  await alike({ ...request, headers: { ...request.headers, "connect-timeout-ms": "30", "grpc-timeout": "30m" } });
});
