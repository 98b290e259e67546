import { create, createRegistry } from "@bufbuild/protobuf";
import type { DescMessage, DescMethod, JsonValue, MessageInitShape } from "@bufbuild/protobuf";
import { AnySchema, anyPack, DurationSchema } from "@bufbuild/protobuf/wkt";
import type { Any } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { StatusSchema } from "../../gen/google/rpc/status_pb.ts";
import { GreetRequestSchema } from "../../gen/greet/v1/greet_pb.ts";
import { BookSchema, LibraryService } from "../../gen/library/v1/library_pb.ts";
import { greeter } from "../../examples/greeter/greeter.ts";
import { component, createMesh, implement, memory, rest } from "../../src/index.ts";
import { library } from "../support/library.ts";
import { startMesh } from "../support/mesh.ts";
import type { StartedMesh } from "../support/mesh.ts";
import { rule, withRule } from "../support/rest-rule.ts";

const json = { "content-type": "application/json" };

function packed<D extends DescMessage>(desc: D, init: MessageInitShape<D>): Any {
  return anyPack(desc, create(desc, init));
}

/** A library whose GetBook answers with the Anys that it is asked with. */
const echo: DescMethod = {
  ...withRule(LibraryService.method.getBook, rule("POST", "/v1/echo", { body: "*" })),
  input: StatusSchema,
  output: StatusSchema,
};
const service = { ...LibraryService, methods: [echo], method: { getBook: echo } } as unknown as typeof LibraryService;
const registry = memory();
let server: StartedMesh;

beforeAll(async () => {
  const implementation = { ...library().implementation, getBook: (request: unknown) => request as never };
  const librarian = component({ name: "library", services: [implement(service, implementation)] });
  server = await startMesh({ registry, components: [librarian, greeter()] });
});
afterAll(() => server[Symbol.asyncDispose]());

const own = packed(BookSchema, { title: "Seven" });
const wellKnown = packed(DurationSchema, { seconds: 3n });
const detail = packed(ErrorInfoSchema, { reason: "WHY" });

describe("a google.protobuf.Any", () => {
  test.each(["json", "msgpack", "rest", "protobuf"])("goes both ways over the channel %s, without a registry", async (channel) => {
    await using mesh = createMesh({ registry });
    const client = mesh.client(service, { channel });
    const details = [own, wellKnown, detail];
    const answer: unknown = await client.getBook(create(StatusSchema, { details }) as never);
    expect((answer as { details: unknown }).details).toEqual(details);
  });

  test.each(["/library.v1.LibraryService/GetBook", "/v1/echo"])("is JSON of its type at %s, also when another hosted service has it", async (path) => {
    const details: JsonValue = [
      { "@type": "type.googleapis.com/library.v1.Book", title: "Seven" },
      { "@type": "type.googleapis.com/greet.v1.GreetRequest", name: "Ada" },
      { "@type": "type.googleapis.com/google.protobuf.Duration", value: "3s" },
    ];
    const body = JSON.stringify({ details });
    const answer = await fetch(`${server.address}${path}`, { method: "POST", headers: json, body });
    expect([answer.status, await answer.json()]).toEqual([200, { details }]);
  });

  test.each(["/library.v1.LibraryService/GetBook", "/v1/echo"])("of a type that nothing here knows is invalid_argument at %s", async (path) => {
    const body = '{"details": [{"@type": "type.googleapis.com/validated.v1.Person"}]}';
    const answer = await fetch(`${server.address}${path}`, { method: "POST", headers: json, body });
    expect([answer.status, await answer.json()]).toMatchObject([
      400,
      { message: expect.stringContaining("validated.v1.Person is not in the type registry") },
    ]);
  });

  test("is read by a channel rest of one's own, which knows the contract", async () => {
    await using mesh = createMesh({ registry, channels: [rest()], channel: "rest" });
    const client = createClient(service, mesh.transport());
    const answer: unknown = await client.getBook(create(StatusSchema, { details: [own] }) as never);
    expect((answer as { details: unknown }).details).toEqual([own]);
  });

  test("of a type that only the caller has is an error of the caller's codec, which names it", async () => {
    await using mesh = createMesh({ registry });
    const foreign = create(AnySchema, { typeUrl: "type.googleapis.com/none.v1.None" });
    for (const channel of ["json", "rest"]) {
      const call = mesh.client(service, { channel }).getBook(create(StatusSchema, { details: [foreign] }) as never);
      await expect(call).rejects.toThrow(/none\.v1\.None" is not in the type registry/);
    }
  });
});

test("a component's own registry of REST wins", async () => {
  const foreign = create(StatusSchema, { details: [packed(GreetRequestSchema, { name: "Ada" })] });
  const implementation = { ...library().implementation, getBook: () => foreign as never };
  const one = component({ name: "library", services: [implement(service, implementation)] });
  await using alone = await startMesh({ components: [one] });
  const ask = { method: "POST", headers: json, body: "{}" };
  expect((await fetch(`${alone.address}/v1/echo`, ask)).status).toBe(500);
  const two = component({
    name: "library",
    services: [implement(service, implementation)],
    rest: { registry: createRegistry(GreetRequestSchema) },
  });
  await using knowing = await startMesh({ components: [two] });
  const answer = await fetch(`${knowing.address}/v1/echo`, ask);
  expect(await answer.json()).toEqual({ details: [{ "@type": "type.googleapis.com/greet.v1.GreetRequest", name: "Ada" }] });
});
