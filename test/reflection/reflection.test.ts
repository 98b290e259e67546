import { execFileSync } from "node:child_process";
import { create, createFileRegistry, createRegistry, equals, fromBinary, getOption } from "@bufbuild/protobuf";
import type { DescService, MessageInitShape } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import type { FileDescriptorProto } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient, createRouterTransport } from "@connectrpc/connect";
import type { Client, Transport } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { GreetService } from "../../gen/greet/v1/greet_pb.ts";
import { Health } from "../../gen/grpc/health/v1/health_pb.ts";
import { ServerReflection } from "../../gen/grpc/reflection/v1/reflection_pb.ts";
import type {
  ServerReflectionRequestSchema,
  ServerReflectionResponse,
} from "../../gen/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as AlphaReflection } from "../../gen/grpc/reflection/v1alpha/reflection_pb.ts";
import { method as methodOption, service as serviceOption } from "../../gen/mesh/v1/options_pb.ts";
import { ValidatedService } from "../../gen/validated/v1/validated_pb.ts";
import { component, createMesh, implement, memory } from "../../src/index.ts";
import type { MeshOptions } from "../../src/index.ts";
import { reflection } from "../../src/reflection/reflection.ts";
import { within } from "../../src/testing/until.ts";

type Asked = MessageInitShape<typeof ServerReflectionRequestSchema>;
type Question = NonNullable<Asked["messageRequest"]>;
/** What the two versions have in common, for tests that run with both. */
type Reflector = Pick<Client<typeof ServerReflection>, "serverReflectionInfo">;

function mesh(options: MeshOptions = {}) {
  return createMesh({
    registry: memory(),
    listen: {},
    drain: { drainDelayMs: 0 },
    components: [
      component({
        services: [
          implement(ValidatedService, {}, { partial: true }),
          implement(GreetService, { greet: ({ name }) => ({ message: `hello ${name}` }) }, { partial: true }),
        ],
      }),
    ],
    ...options,
  });
}

function over(address: string | undefined): Transport {
  return createGrpcTransport({ baseUrl: address ?? "" });
}

/** Asks one question after the other on one stream. */
async function askAll(
  reflector: Reflector,
  ...requests: readonly Asked[]
): Promise<ServerReflectionResponse[]> {
  async function* each() {
    yield* requests;
  }
  return Array.fromAsync(reflector.serverReflectionInfo(each()));
}

async function ask(reflector: Reflector, messageRequest: Question): Promise<ServerReflectionResponse> {
  const [answer] = await askAll(reflector, { messageRequest });
  return answer!;
}

/** The files in an answer; fails when it has none. */
function filesIn({ messageResponse }: ServerReflectionResponse): FileDescriptorProto[] {
  expect(messageResponse.case).toBe("fileDescriptorResponse");
  if (messageResponse.case !== "fileDescriptorResponse") return [];
  return messageResponse.value.fileDescriptorProto.map((bytes) =>
    fromBinary(FileDescriptorProtoSchema, bytes),
  );
}

function namesIn(answer: ServerReflectionResponse): string[] {
  return filesIn(answer).map(({ name }) => name);
}

const hosting = mesh();
let v1: Client<typeof ServerReflection>;
let v1alpha: Reflector;

beforeAll(async () => {
  await hosting.start();
  v1 = createClient(ServerReflection, over(hosting.address));
  v1alpha = createClient(AlphaReflection, over(hosting.address)) as unknown as Reflector;
});

afterAll(() => hosting.close());

describe.each([
  ["grpc.reflection.v1", () => v1],
  ["grpc.reflection.v1alpha", () => v1alpha],
])("%s", (_version, reflector) => {
  test("lists every hosted service, health and itself included, by name", async () => {
    const { messageResponse } = await ask(reflector(), { case: "listServices", value: "" });
    expect(messageResponse).toMatchObject({
      case: "listServicesResponse",
      value: {
        service: [
          { name: "greet.v1.GreetService" },
          { name: "grpc.health.v1.Health" },
          { name: "grpc.reflection.v1.ServerReflection" },
          { name: "grpc.reflection.v1alpha.ServerReflection" },
          { name: "validated.v1.ValidatedService" },
        ],
      },
    });
  });

  test("repeats the host and the request in every answer", async () => {
    const [found, missing] = await askAll(
      reflector(),
      { host: "here", messageRequest: { case: "fileByFilename", value: "greet/v1/greet.proto" } },
      { host: "there", messageRequest: { case: "fileByFilename", value: "none.proto" } },
    );
    expect(found).toMatchObject({
      validHost: "here",
      originalRequest: {
        host: "here",
        messageRequest: { case: "fileByFilename", value: "greet/v1/greet.proto" },
      },
    });
    expect(missing).toMatchObject({
      validHost: "there",
      originalRequest: { messageRequest: { case: "fileByFilename", value: "none.proto" } },
    });
  });

  test("answers not_found to what it does not know, and the stream goes on", async () => {
    const unknown: Question[] = [
      { case: "fileByFilename", value: "none.proto" },
      { case: "fileContainingSymbol", value: "greet.v1.None" },
      { case: "fileContainingSymbol", value: "" },
      {
        case: "fileContainingExtension",
        value: { containingType: "google.protobuf.ServiceOptions", extensionNumber: 1 },
      },
      {
        case: "fileContainingExtension",
        value: { containingType: "none.v1.None", extensionNumber: 50771 },
      },
      { case: "allExtensionNumbersOfType", value: "none.v1.None" },
    ];
    const known: Question = { case: "fileContainingSymbol", value: "greet.v1.GreetService" };
    const requests = [...unknown, known].map((messageRequest) => ({ messageRequest }));
    const answers = await askAll(reflector(), ...requests);
    for (const [at, { messageResponse }] of answers.slice(0, -1).entries()) {
      expect(messageResponse, JSON.stringify(unknown[at])).toMatchObject({
        case: "errorResponse",
        value: { errorCode: Code.NotFound, errorMessage: expect.stringMatching(/^this server has no /) },
      });
    }
    expect(namesIn(answers.at(-1)!)[0]).toBe("greet/v1/greet.proto");
  });

  test("answers invalid_argument to a request that asks for nothing, and the stream goes on", async () => {
    const [nothing, services] = await askAll(
      reflector(),
      {},
      { messageRequest: { case: "listServices", value: "*" } },
    );
    expect(nothing?.messageResponse).toMatchObject({
      case: "errorResponse",
      value: { errorCode: Code.InvalidArgument },
    });
    expect(services?.messageResponse.case).toBe("listServicesResponse");
  });

  test("finds extensions by the message that they extend and their number", async () => {
    const containingType = "google.protobuf.ServiceOptions";
    const value = { containingType, extensionNumber: serviceOption.number };
    const answer = await ask(reflector(), { case: "fileContainingExtension", value });
    expect(namesIn(answer)[0]).toBe("mesh/v1/options.proto");
    const numbers = await ask(reflector(), { case: "allExtensionNumbersOfType", value: containingType });
    expect(numbers.messageResponse).toMatchObject({
      case: "allExtensionNumbersResponse",
      value: { baseTypeName: containingType, extensionNumber: [serviceOption.number] },
    });
  });
});

describe("reflection", () => {
  test.each([
    ["message", "greet.v1.GreetRequest", "greet/v1/greet.proto"],
    ["field", "greet.v1.GreetRequest.name", "greet/v1/greet.proto"],
    ["service", "greet.v1.GreetService", "greet/v1/greet.proto"],
    ["method", "greet.v1.GreetService.Greet", "greet/v1/greet.proto"],
    ["oneof", "validated.v1.RegisterRequest.contact", "validated/v1/validated.proto"],
    ["field of a oneof", "validated.v1.RegisterRequest.phone", "validated/v1/validated.proto"],
    ["map entry", "validated.v1.RegisterRequest.ScoresEntry", "validated/v1/validated.proto"],
    ["enum", "buf.validate.Ignore", "buf/validate/validate.proto"],
    ["enum value", "buf.validate.IGNORE_ALWAYS", "buf/validate/validate.proto"],
    ["nested enum", "grpc.health.v1.HealthCheckResponse.ServingStatus", "grpc/health/v1/health.proto"],
    ["value of a nested enum", "grpc.health.v1.HealthCheckResponse.SERVING", "grpc/health/v1/health.proto"],
    ["nested message", "google.protobuf.FieldOptions.EditionDefault", "google/protobuf/descriptor.proto"],
    ["extension", "mesh.v1.service", "mesh/v1/options.proto"],
    ["type of an import", "google.protobuf.Duration", "google/protobuf/duration.proto"],
  ])("finds the file of a %s", async (_kind, symbol, file) => {
    expect(namesIn(await ask(v1, { case: "fileContainingSymbol", value: symbol }))[0]).toBe(file);
  });

  test("an enum value belongs to the scope around its enum only", async () => {
    const value = "grpc.health.v1.HealthCheckResponse.ServingStatus.SERVING";
    const { messageResponse } = await ask(v1, { case: "fileContainingSymbol", value });
    expect(messageResponse.case).toBe("errorResponse");
  });

  test("a message that nothing extends has no extension numbers", async () => {
    const { messageResponse } = await ask(v1, {
      case: "allExtensionNumbersOfType",
      value: "greet.v1.GreetRequest",
    });
    expect(messageResponse).toMatchObject({
      case: "allExtensionNumbersResponse",
      value: { baseTypeName: "greet.v1.GreetRequest", extensionNumber: [] },
    });
  });

  test("sends a file with all imports, the same as buf compiles them, options included", async () => {
    const value = "greet/v1/greet.proto";
    const answer = await ask(v1, { case: "fileByFilename", value });
    const files = filesIn(answer);
    expect(files[0]?.name).toBe(value);
    expect(files.map(({ name }) => name).sort()).toEqual([
      "google/api/annotations.proto",
      "google/api/http.proto",
      "google/protobuf/descriptor.proto",
      "google/protobuf/duration.proto",
      "greet/v1/greet.proto",
      "mesh/v1/options.proto",
    ]);
    const compiled = fromBinary(
      FileDescriptorSetSchema,
      execFileSync("node_modules/.bin/buf", [
        "build",
        "--as-file-descriptor-set",
        "--exclude-source-info",
        "--output",
        "-",
      ]),
    );
    for (const file of files) {
      // protobuf-es keeps only what it needs of the file that describes files.
      if (file.name === "google/protobuf/descriptor.proto") continue;
      const same = compiled.file.find(({ name }) => name === file.name);
      expect(same, file.name).toBeDefined();
      const options = { registry: createRegistry(), unknown: true };
      expect(equals(FileDescriptorProtoSchema, file, same!, options), file.name).toBe(true);
    }
    // Imports come last, and are wanted first.
    const file = files.toReversed();
    const registry = createFileRegistry(create(FileDescriptorSetSchema, { file }));
    const service = registry.getService(GreetService.typeName)!;
    expect(getOption(service, serviceOption).component).toBe("greeter");
    expect(getOption(service.method["greet"]!, methodOption).timeout?.seconds).toBe(5n);
  });

  test("sends a file once a stream, except when it is asked for by name", async () => {
    const files: Question[] = [
      { case: "fileByFilename", value: "mesh/v1/options.proto" },
      { case: "fileContainingSymbol", value: "greet.v1.GreetService" },
      { case: "fileContainingSymbol", value: "greet.v1.GreetRequest" },
      { case: "fileContainingSymbol", value: "google.protobuf.Duration" },
    ];
    const answers = await askAll(v1, ...files.map((messageRequest) => ({ messageRequest })));
    expect(answers.map(namesIn).map((names) => names.toSorted())).toEqual([
      ["google/protobuf/descriptor.proto", "google/protobuf/duration.proto", "mesh/v1/options.proto"],
      ["google/api/annotations.proto", "google/api/http.proto", "greet/v1/greet.proto"],
      ["greet/v1/greet.proto"],
      ["google/protobuf/duration.proto"],
    ]);
    const again = await ask(v1, { case: "fileContainingSymbol", value: "greet.v1.GreetService" });
    expect(namesIn(again)).toHaveLength(6);
  });

  test("knows services that are added while a stream is open", async () => {
    const services: DescService[] = [GreetService];
    const { v1: implementation } = reflection(() => services);
    const transport = createRouterTransport((router) => {
      router.service(ServerReflection, implementation);
    });
    async function* questions() {
      yield { messageRequest: { case: "fileContainingSymbol" as const, value: Health.typeName } };
      services.push(Health);
      yield { messageRequest: { case: "fileContainingSymbol" as const, value: Health.typeName } };
    }
    const client = createClient(ServerReflection, transport);
    const answers = await Array.fromAsync(client.serverReflectionInfo(questions()));
    expect(answers.map(({ messageResponse }) => messageResponse.case)).toEqual([
      "errorResponse",
      "fileDescriptorResponse",
    ]);
  });
});

describe("a mesh", () => {
  async function reflects(options: MeshOptions): Promise<boolean> {
    await using of = mesh(options);
    await of.start();
    const client = createClient(ServerReflection, over(of.address));
    return await ask(client, { case: "listServices", value: "" }).then(
      () => true,
      (error: unknown) => {
        expect(ConnectError.from(error).code).toBe(Code.Unimplemented);
        return false;
      },
    );
  }

  test("reflects unless NODE_ENV is production, or as it is told", async () => {
    onTestFinished(() => {
      vi.unstubAllEnvs();
    });
    expect(await reflects({})).toBe(true);
    expect(await reflects({ reflection: false })).toBe(false);
    vi.stubEnv("NODE_ENV", "production");
    expect(await reflects({})).toBe(false);
    expect(await reflects({ reflection: true })).toBe(true);
  });

  test("leaves the reflection of a component alone", async () => {
    const own = component({
      services: [
        implement(ServerReflection, {
          async *serverReflectionInfo() {
            yield { validHost: "mine" };
          },
        }),
      ],
    });
    await using of = mesh({ components: [own] });
    await of.start();
    const client = createClient(ServerReflection, over(of.address));
    const answer = await ask(client, { case: "listServices", value: "" });
    expect(answer.validHost).toBe("mine");
  });

  test("closes without waiting for tools that keep their stream open", async () => {
    const of = mesh({ drain: { drainDelayMs: 0, graceMs: 60_000 } });
    await of.start();
    const client = createClient(ServerReflection, over(of.address));
    const stop = Promise.withResolvers<void>();
    async function* questions() {
      yield { messageRequest: { case: "listServices" as const, value: "" } };
      await stop.promise;
    }
    const answers = client.serverReflectionInfo(questions())[Symbol.asyncIterator]();
    expect((await answers.next()).value?.messageResponse.case).toBe("listServicesResponse");
    const end = answers.next();
    await within(
      async () => {
        await Promise.all([expect(end).rejects.toMatchObject({ code: Code.Unavailable }), of.close()]);
      },
      { timeoutMs: 30_000, what: "the mesh to close" },
    ).finally(() => {
      stop.resolve();
    });
  });
});
