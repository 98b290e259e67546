import { createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import type { DescMessage, DescService, FileRegistry } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { createConfig, lintFromString } from "@redocly/openapi-core";
import { Validator } from "@seriousme/openapi-schema-validator";
import type { Json, OpenApiDocument, Operation, Schema } from "../../src/openapi/model.ts";

/** What a linter or validator finds. */
export interface Problem {
  readonly rule: string;
  readonly message: string;
  /** Where, as a JSON pointer. */
  readonly at: string;
}

type Rules = NonNullable<Parameters<typeof createConfig>[0] & object>;

/** What the JSON Schema of OpenAPI 3.1 says about a document: nothing when it is one. */
export async function schemaErrors(document: OpenApiDocument): Promise<unknown> {
  const { errors } = await new Validator().validate(JSON.parse(JSON.stringify(document)));
  return errors ?? [];
}

/**
 * What Redocly's recommended rules find, but for what they are wrong about: that
 * errors are told by `default`, and that what a `not` requires is no property.
 */
export async function lintProblems(document: OpenApiDocument): Promise<readonly Problem[]> {
  const found = await lint(document, {
    extends: ["recommended"],
    rules: { "operation-4xx-response": "off" },
  });
  return found.filter(
    ({ rule, at }) => !(rule === "no-required-schema-properties-undefined" && /\/oneOf\/\d+\/not\/anyOf\//.test(at)),
  );
}

/** A value that should match a schema. */
export interface Example {
  readonly schema: Schema;
  readonly value: Json;
}

/**
 * Which values do not match their schemas, with the reasons by their index.
 * Properties that a schema does not name are not allowed.
 */
export async function mismatches(
  { components }: OpenApiDocument,
  examples: readonly Example[],
): Promise<ReadonlyMap<number, string>> {
  const paths = examples.map(({ schema, value }, at) => [
    `/${at}`,
    { get: { responses: { 200: { description: "An answer.", content: { "application/json": { schema, example: value } } } } } },
  ]);
  const found = await lint(
    { openapi: "3.1.1", info: { title: "Examples", version: "1" }, paths: Object.fromEntries(paths), components },
    { rules: { "no-invalid-media-type-examples": { severity: "error", allowAdditionalProperties: false } } },
  );
  return new Map(found.map(({ at, message }) => [Number(/^#\/paths\/~1(\d+)/.exec(at)?.[1]), message]));
}

async function lint(document: object, rules: Rules): Promise<readonly Problem[]> {
  const found = await lintFromString({
    source: JSON.stringify(document),
    absoluteRef: "openapi.json",
    config: await createConfig({ ...rules, telemetry: "off" }),
  });
  return found.map(({ ruleId, message, location }) => ({
    rule: ruleId,
    message,
    at: location[0]?.pointer ?? "",
  }));
}

/** The contracts of an image. */
export function contracts(image: Uint8Array): FileRegistry {
  return createFileRegistry(fromBinary(FileDescriptorSetSchema, image));
}

export function service(registry: FileRegistry, name: string): DescService {
  const found = registry.getService(name);
  if (found === undefined) throw new Error(`there is no service ${name}`);
  return found;
}

export function message(registry: FileRegistry, name: string): DescMessage {
  const found = registry.getMessage(name);
  if (found === undefined) throw new Error(`there is no message ${name}`);
  return found;
}

/** The operation with an id. */
export function operation({ paths }: OpenApiDocument, id: string): Operation {
  for (const item of Object.values(paths)) {
    const { "x-additionalOperations": others, ...known } = item;
    for (const one of [...Object.values(known), ...Object.values(others ?? {})]) {
      if (one.operationId === id) return one;
    }
  }
  throw new Error(`there is no operation ${id}`);
}

/** A component's schema. */
export function schemaOf({ components }: OpenApiDocument, name: string): Schema {
  const found = components.schemas[name];
  if (found === undefined) throw new Error(`there is no schema ${name}`);
  return found;
}

/** The schema of a property of a component. */
export function propertyOf(document: OpenApiDocument, name: string, property: string): Schema {
  const found = Object.entries(schemaOf(document, name).properties ?? {}).find(([key]) => key === property);
  if (found === undefined) throw new Error(`${name} has no property ${property}`);
  return found[1];
}
