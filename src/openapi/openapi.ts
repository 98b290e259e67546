import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { withImports } from "../contract/files.ts";
import { Comments } from "./comments.ts";
import { addConnectOperations } from "./connect-operations.ts";
import type { OpenApiDocument, Tag } from "./model.ts";
import { Names } from "./names.ts";
import type { OperationContext } from "./operation.ts";
import type { OpenApiOptions, OperationWire } from "./options.ts";
import { PathTable } from "./path-table.ts";
import { addRestOperations } from "./rest-operations.ts";
import { Rules } from "./rules.ts";
import { Schemas } from "./schemas.ts";

/**
 * Makes an OpenAPI 3.1 document of contracts: an operation for each
 * `google.api.http` rule, on request also those of the Connect protocol, and
 * the schemas of all messages that they need, in ProtoJSON, with what
 * `google.api.field_behavior` and protovalidate rules say.
 *
 * The same contracts and options always give the same document, whatever the
 * order of the services. Throws a configuration error for a REST rule that
 * cannot work, and for an image that is none.
 *
 * @param services services with the same full name are taken once
 */
export function openapi(
  services: readonly DescService[],
  options: OpenApiOptions = {},
): OpenApiDocument {
  const all = [...new Map(services.map((service) => [service.typeName, service])).values()].sort(
    (a, b) => (a.typeName < b.typeName ? -1 : 1),
  );
  const files = withImports(all.map(({ file }) => file));
  const comments = new Comments(files, options.image);
  const rules = new Rules(files);
  const schemas = new Schemas({ comments, rules, nullable: options.nullable ?? true });
  const context: OperationContext = { schemas, names: new Names(all), comments, options };
  const paths = new PathTable();
  const methodsOf = (wire: OperationWire): readonly DescMethod[] =>
    all.flatMap(({ methods }) => methods).filter((method) => options.include?.(method, wire) ?? true);

  addRestOperations(methodsOf("rest"), paths, context);
  if (options.connect === true) addConnectOperations(methodsOf("connect"), paths, context);
  return document(paths, context, all);
}

function document(
  table: PathTable,
  { schemas, names, comments, options }: OperationContext,
  services: readonly DescService[],
): OpenApiDocument {
  const used = new Set(table.operations().flatMap(({ tags = [] }) => tags));
  const tags = services
    .map((service): Tag => ({ name: names.tag(service), description: comments.of(service) ?? service.typeName }))
    .filter(({ name }) => used.has(name));
  const { security, externalDocs } = options;
  return {
    openapi: "3.1.1",
    info: { title: "API", version: "0.0.0", ...options.info },
    jsonSchemaDialect: "https://spec.openapis.org/oas/3.1/dialect/base",
    servers: options.servers ?? [{ url: "/" }],
    ...(externalDocs === undefined ? {} : { externalDocs }),
    security: security?.default ?? [],
    tags,
    paths: table.all(),
    components: {
      schemas: schemas.all(),
      ...(security === undefined ? {} : { securitySchemes: security.schemes }),
    },
    ...(table.leftOut.length === 0 ? {} : { "x-left-out": table.leftOut }),
  };
}
