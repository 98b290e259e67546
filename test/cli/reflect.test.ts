import { toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { greeter } from "../../examples/greeter/greeter.ts";
import { GreetService } from "../../gen/greet/v1/greet_pb.ts";
import { ServerReflection } from "../../gen/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as AlphaReflection } from "../../gen/grpc/reflection/v1alpha/reflection_pb.ts";
import { direct } from "../../src/cli/direct.ts";
import { reflect, reflectServices } from "../../src/cli/reflect.ts";
import { withImports } from "../../src/contract/files.ts";
import { component, implement, reflection } from "../../src/index.ts";
import { World } from "./cli.ts";

const names = [GreetService.typeName];

describe("reading contracts by reflection", () => {
  let world: World;
  const stop = new AbortController();
  beforeEach(async () => {
    world = await World.make();
  });
  afterEach(async () => {
    await world[Symbol.asyncDispose]();
  });

  it("finds the service with its imports and options", async () => {
    const { address } = await world.host();
    await using transport = direct(address, stop.signal);
    const files = await reflect(transport, names, stop.signal);
    expect(files.getService(GreetService.typeName)?.methods.map(({ name }) => name)).toEqual(
      GreetService.methods.map(({ name }) => name),
    );
    expect(files.getExtension("mesh.v1.service")?.kind).toBe("extension");
    expect(await reflectServices(transport, stop.signal)).toEqual(expect.arrayContaining(names));
  });

  it("asks for imports that the server does not send along, each once", async () => {
    const files = new Map(withImports([GreetService.file]).map((file) => [file.proto.name, file]));
    const asked: string[] = [];
    const sparing = component({
      name: "sparing",
      services: [
        implement(ServerReflection, {
          async *serverReflectionInfo(requests) {
            for await (const { messageRequest } of requests) {
              const name = typeof messageRequest.value === "string" ? messageRequest.value : "";
              asked.push(name);
              const file = files.get(name) ?? GreetService.file;
              const fileDescriptorProto = [toBinary(FileDescriptorProtoSchema, file.proto)];
              yield { messageResponse: { case: "fileDescriptorResponse", value: { fileDescriptorProto } } };
            }
          },
        }),
      ],
    });
    const { address } = await world.host(sparing);
    await using transport = direct(address, stop.signal);
    const found = await reflect(transport, names, stop.signal);
    expect(found.getService(GreetService.typeName)).toBeDefined();
    const imports = [...files.keys()].filter((name) => name !== GreetService.file.proto.name);
    expect(asked.toSorted()).toEqual([GreetService.typeName, ...imports].toSorted());
  });

  it("falls back to the older version of the protocol", async () => {
    const { v1alpha } = reflection(() => [GreetService]);
    const old = component({ name: "old", services: [implement(AlphaReflection, v1alpha)] });
    const { address } = await world.host(old, { reflection: false });
    await using transport = direct(address, stop.signal);
    const files = await reflect(transport, names, stop.signal);
    expect(files.getService(GreetService.typeName)).toBeDefined();
  });

  it("fails with what the server says", async () => {
    const { address } = await world.host();
    await using transport = direct(address, stop.signal);
    await expect(reflect(transport, ["shop.v1.Orders"], stop.signal)).rejects.toThrow(
      "[not_found] this server has no symbol shop.v1.Orders",
    );
  });

  it("says what else can be done when a server has none, to the user of mesh call", async () => {
    await world.host(greeter(), { reflection: false });
    const { code, stderr } = await world.run(["call", "greet.v1.GreetService/Greet", "{}"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^unimplemented: the contract of greet\.v1\.GreetService cannot be read: http:\S+ offers no reflection; give it with --image FILE/,
    );
  });

  it.each([
    ["https:", /^unavailable: the contract of greet\.v1\.GreetService cannot be read: https:\S+ does not speak TLS; use http: instead of https:\n$/],
    ["http:", /cannot be read: cannot connect to http:\S+: connect ECONNREFUSED \S+; check that it runs and can be reached from here\n$/],
  ])("says what is wrong with an address that begins with %s, and does not ask for an image", async (scheme, said) => {
    const { address } = await world.host();
    const { host } = new URL(address);
    const at = scheme === "https:" ? `https://${host}` : "http://127.0.0.1:1";
    const { code, stderr } = await world.inProcess(["call", "greet.v1.GreetService/Greet", "{}", "--address", at]);
    expect([code, stderr]).toEqual([1, expect.stringMatching(said)]);
  });

  it("asks the next instance when one cannot tell", async () => {
    await world.host(greeter(), { reflection: false });
    await world.host(greeter(), { reflection: false });
    await world.host();
    const { code } = await world.inProcess(["call", "greet.v1.GreetService/Greet", "{}"]);
    expect(code).toBe(0);
  });
});
