import type { DescService } from "@bufbuild/protobuf";
import { beforeAll, describe, expect, test } from "vitest";
import { BenchService } from "../../gen/bench/v1/bench_pb.ts";
import { GreetService } from "../../gen/greet/v1/greet_pb.ts";
import { LibraryService } from "../../gen/library/v1/library_pb.ts";
import { ValidatedService } from "../../gen/validated/v1/validated_pb.ts";
import { openapi } from "../../src/openapi/openapi.ts";
import type { OpenApiOptions } from "../../src/openapi/options.ts";
import { contracts, lintProblems, operation, schemaErrors, service } from "./check.ts";
import { cornersImage, ownImage } from "./compile.ts";

const license = { name: "Apache-2.0", identifier: "Apache-2.0" };
const generated = [LibraryService, GreetService, ValidatedService, BenchService];

let corners: DescService;
let otherCorners: DescService;
let image: Uint8Array;

beforeAll(async () => {
  const registry = contracts(await cornersImage());
  corners = service(registry, "corners.v1.CornersService");
  otherCorners = service(registry, "corners.v2.CornersService");
  image = await ownImage();
});

describe("openapi", () => {
  test.each<[string, () => readonly DescService[], OpenApiOptions]>([
    ["the library", () => [LibraryService], {}],
    ["the greeter", () => [GreetService], {}],
    ["a contract with rules", () => [ValidatedService], { connect: true }],
    ["every kind of field", () => [BenchService], { connect: true, connectTypes: ["json", "msgpack"] }],
    ["the corners of REST and protovalidate", () => [corners], {}],
    ["everything, without null", () => [...generated, corners], { connect: true, nullable: false }],
    ["nothing", () => [], {}],
    [
      "security schemes",
      () => [GreetService],
      {
        security: {
          schemes: { key: { type: "http", scheme: "bearer" }, other: { type: "apiKey", in: "header", name: "x-key" } },
          default: [{ key: [] }],
          of: ({ name }) => (name === "Chat" ? [{ other: [] }] : undefined),
        },
        connect: true,
      },
    ],
  ])("makes a document that validator and linter have nothing against: %s", async (_name, services, options) => {
    for (const comments of [{}, { image }]) {
      const document = openapi(services(), { info: { license }, ...options, ...comments });
      expect(await schemaErrors(document)).toEqual([]);
      expect(await lintProblems(document)).toEqual([]);
    }
  });

  test("is checked by a validator and a linter that find mistakes", async () => {
    const { info: _info, ...document } = openapi([GreetService]);
    expect(await schemaErrors(document as never)).not.toEqual([]);
    const twice = openapi([GreetService], { customize: (made) => ({ ...made, operationId: "same" }), connect: true });
    const rules = (await lintProblems({ ...twice, security: undefined } as never)).map(({ rule }) => rule);
    expect(rules).toEqual(expect.arrayContaining(["operation-operationId-unique", "security-defined"]));
  });

  test("makes the same bytes each time, whatever the order of the services", () => {
    const options = { connect: true, image };
    const once = JSON.stringify(openapi([...generated, corners], options));
    expect(JSON.stringify(openapi([...generated, corners], options))).toBe(once);
    expect(JSON.stringify(openapi([corners, ...generated.toReversed(), GreetService], options))).toBe(once);
  });

  test("is plain JSON", () => {
    const document = openapi([...generated, corners], { connect: true });
    expect(JSON.parse(JSON.stringify(document))).toEqual(document);
  });

  test("takes info, servers and further documentation from its options", () => {
    const options: OpenApiOptions = {
      info: { title: "Library", version: "2.0.0", description: "Books.", license, contact: { name: "A reader" } },
      servers: [{ url: "https://api.example", description: "Production" }],
      externalDocs: { url: "https://docs.example" },
    };
    expect(openapi([LibraryService], options)).toMatchObject({ openapi: "3.1.1", ...options });
    expect(openapi([LibraryService])).toMatchObject({
      info: { title: "API", version: "0.0.0" },
      servers: [{ url: "/" }],
      jsonSchemaDialect: "https://spec.openapis.org/oas/3.1/dialect/base",
    });
  });

  test("leaves out what is not to be included, with the schemas that only that needs", () => {
    const document = openapi([LibraryService, GreetService], {
      connect: true,
      include: ({ name }, wire) => (wire === "rest" ? name === "ListShelves" : name === "Chat"),
    });
    expect(Object.keys(document.paths)).toEqual(["/v1/shelves", "/greet.v1.GreetService/Chat"]);
    expect(Object.keys(document.components.schemas)).toEqual([
      "connect.Error",
      "connect.ErrorDetail",
      "google.rpc.Status",
      "greet.v1.ChatRequest",
      "greet.v1.ChatResponse",
      "library.v1.Shelf",
    ]);
    expect(document.tags.map(({ name }) => name)).toEqual(["GreetService", "LibraryService"]);
  });

  test("gives full names to services that have the same short one", async () => {
    const document = openapi([corners, otherCorners, GreetService], {
      connect: true,
      include: (_method, wire) => wire === "connect",
    });
    const names = ["corners.v1.CornersService", "corners.v2.CornersService", "GreetService"];
    expect(document.tags.map(({ name }) => name)).toEqual(names);
    expect(operation(document, "corners_v2_CornersService_Wild_Connect").tags).toEqual([names[1]]);
    expect(operation(document, "GreetService_Greet_Connect").tags).toEqual([names[2]]);
    expect(await lintProblems({ ...document, info: { ...document.info, license } })).toEqual([]);
  });

  test("hands each operation to its customizer", () => {
    const document = openapi([GreetService], {
      connect: true,
      customize: (made, { name }, wire) =>
        wire === "rest" ? { ...made, "x-stability": "beta" } : { ...made, summary: `${name}!`, "x-wire": wire },
    });
    expect(operation(document, "GreetService_Greet")).toMatchObject({ "x-stability": "beta" });
    expect(operation(document, "GreetService_Chat_Connect")).toMatchObject({ summary: "Chat!", "x-wire": "connect" });
  });
});
