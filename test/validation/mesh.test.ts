import { clone, create, createFileRegistry, setExtension } from "@bufbuild/protobuf";
import type { DescService } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, MessageOptionsSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Interceptor } from "@connectrpc/connect";
import { describe, expect, onTestFinished, test } from "vitest";
import { MessageRulesSchema, message as messageRules } from "../../gen/buf/validate/validate_pb.ts";
import { BadRequestSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { GreetService } from "../../gen/greet/v1/greet_pb.ts";
import { RegisterRequestSchema, ValidatedService } from "../../gen/validated/v1/validated_pb.ts";
import { component, createMesh, implement, memory, reasonOf, subscribe } from "../../src/index.ts";
import type { Component, ComponentOptions, Mesh, MeshOptions } from "../../src/index.ts";
import { protovalidate } from "../../src/validation/library.ts";
import type { ValidationLibrary } from "../../src/validation/library.ts";
import { validate } from "../../src/validation/validate.ts";

function validated(options: Partial<ComponentOptions> = {}): Component {
  return component({
    services: [
      implement(ValidatedService, { register: () => ({ name: "registered" }) }, { partial: true }),
    ],
    ...options,
  });
}

async function started(of: Component, options: Partial<MeshOptions> = {}): Promise<Mesh> {
  const mesh = createMesh({ registry: memory(), components: [of], ...options });
  onTestFinished(() => mesh.close());
  await mesh.start();
  return mesh;
}

/** What becomes of an empty request, which breaks two rules. */
async function register(mesh: Mesh, service: DescService = ValidatedService): Promise<string> {
  const { register: call } = mesh.client(service as typeof ValidatedService, { channel: "local" });
  return call({}).then(
    ({ name }) => name,
    (error: unknown) => reasonOf(error) ?? Code[ConnectError.from(error).code] ?? "?",
  );
}

/** The library as it is when nobody installed it. */
function missing(): Promise<ValidationLibrary> {
  const name: string = "@bufbuild/not-installed";
  return import(name) as Promise<ValidationLibrary>;
}

function counting(): { loads: () => number; load: typeof protovalidate } {
  let loads = 0;
  return {
    loads: () => loads,
    load: () => {
      loads++;
      return protovalidate();
    },
  };
}

describe("a mesh", () => {
  test("validates by default, before a component's own interceptors", async () => {
    const order: string[] = [];
    const note: Interceptor = (next) => (req) => {
      order.push(req.method.name);
      return next(req);
    };
    const mesh = await started(validated({ interceptors: [note] }));
    expect(await register(mesh)).toBe("VALIDATION_FAILED");
    expect(order).toEqual([]);
  });

  test("leaves it to components with validate: false", async () => {
    expect(await register(await started(validated(), { validate: false }))).toBe("registered");
    const own = validated({ interceptors: [validate()] });
    expect(await register(await started(own, { validate: false }))).toBe("VALIDATION_FAILED");
  });

  test("leaves a component that validates for itself alone: it happens where that one stands", async () => {
    const order: string[] = [];
    const note: Interceptor = (next) => (req) => {
      order.push(req.method.name);
      return next(req);
    };
    const own = counting();
    const shared = counting();
    const of = validated({ interceptors: [note, validate({ load: own.load })] });
    const mesh = await started(of, { validate: { load: shared.load } });
    expect(await register(mesh)).toBe("VALIDATION_FAILED");
    expect(order).toEqual(["Register"]);
    expect([own.loads(), shared.loads()]).toEqual([1, 0]);
  });

  test("tells the first violation only with failFast", async () => {
    const mesh = await started(validated(), { validate: { failFast: true } });
    const error = await mesh
      .client(ValidatedService, { channel: "local" })
      .register({})
      .catch((thrown: unknown) => ConnectError.from(thrown));
    expect(error).toBeInstanceOf(ConnectError);
    const [details] = (error as ConnectError).findDetails(BadRequestSchema);
    expect(details?.fieldViolations).toHaveLength(1);
  });

  test("does not start without the library when a contract has rules, and says what to install", async () => {
    const shared = validated();
    const own = validated({ interceptors: [validate({ load: missing })] });
    for (const [of, option] of [[shared, { load: missing }] as const, [own, false] as const]) {
      const error = await started(of, { validate: option }).catch((thrown: unknown) => thrown);
      expect(reasonOf(error)).toBe("INVALID_CONFIGURATION");
      expect(String(error)).toContain("npm install @bufbuild/protovalidate");
      expect(String(error)).toContain("validate: false");
      expect(String(error)).toContain(RegisterRequestSchema.typeName);
      // Nothing had started yet.
      expect(of.state).toBe("STOPPED");
    }
  });

  test("starts without the library when it is not needed", async () => {
    const greeter = component({ services: [implement(GreetService, {}, { partial: true })] });
    await started(greeter, { validate: { load: missing } });
    await started(validated(), { validate: false });
  });

  test("loads the library once, when it starts", async () => {
    const { load, loads } = counting();
    const mesh = await started(validated(), { validate: { load } });
    expect(loads()).toBe(1);
    await Promise.all([register(mesh), register(mesh)]);
    expect(loads()).toBe(1);
  });

  test("does not start with a rule that cannot work, and names it", async () => {
    const service = withRule("this.none.such ==");
    const of = component({ services: [implement(service, {}, { partial: true })] });
    const error = await started(of).catch((thrown: unknown) => thrown);
    expect(reasonOf(error)).toBe("INVALID_CONFIGURATION");
    expect(String(error)).toContain("a validation rule in the contract of validated.v1.RegisterRequest");
  });

  test("hides a rule that fails from the caller and reports it", async () => {
    const service = withRule("1 / (size(this.tags) - size(this.tags)) > 0");
    const of = component({ services: [implement(service, {}, { partial: true })] });
    const errors: unknown[] = [];
    onTestFinished(subscribe("handler.error", ({ error }) => errors.push(error)));
    const mesh = await started(of);
    expect(await register(mesh, service)).toBe("Internal");
    expect(errors.map(String)).toEqual([expect.stringContaining("RuntimeError")]);
  });
});

/** The validated contract, with one more rule on its requests to register. */
function withRule(expression: string): DescService {
  const file = clone(FileDescriptorProtoSchema, ValidatedService.file.proto);
  const request = file.messageType.find(({ name }) => name === "RegisterRequest");
  const options = create(MessageOptionsSchema);
  const rules = create(MessageRulesSchema, { cel: [{ id: "test", message: "test", expression }] });
  setExtension(options, messageRules, rules);
  request!.options = options;
  const registry = createFileRegistry(file, (name) =>
    ValidatedService.file.dependencies.find(({ proto }) => proto.name === name),
  );
  return registry.getService(ValidatedService.typeName)!;
}
