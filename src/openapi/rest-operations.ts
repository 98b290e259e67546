import type { DescMethod } from "@bufbuild/protobuf";
import { methodName, restBindings } from "../protocol/rest/rule.ts";
import type { RestBinding } from "../protocol/rest/rule.ts";
import { restError } from "./errors.ts";
import { httpMethods } from "./model.ts";
import type { Json, Operation } from "./model.ts";
import { operationHead } from "./operation.ts";
import type { OperationContext } from "./operation.ts";
import { pathParameter, queryParameters } from "./parameters.ts";
import type { PathTable } from "./path-table.ts";
import { namedPath, openapiPath } from "./path.ts";
import type { OpenApiPath } from "./path.ts";
import { restRequest, restResponse } from "./rest-content.ts";

/** The methods that stand for `*`: without a body all common ones, with a body those that have one. */
const anyMethod = ["GET", "PUT", "POST", "DELETE", "PATCH"];
const anyMethodWithBody = ["PUT", "POST", "PATCH"];

/** Adds the operations of all REST rules. A rule for any HTTP method gives way to those for one. */
export function addRestOperations(
  methods: readonly DescMethod[],
  paths: PathTable,
  context: OperationContext,
): void {
  const bindings = methods.flatMap(restBindings);
  for (const binding of bindings) {
    if (binding.httpMethod !== "*") add(binding, binding.httpMethod, [], paths, context);
  }
  for (const binding of bindings) {
    if (binding.httpMethod !== "*") continue;
    for (const method of binding.body === undefined ? anyMethod : anyMethodWithBody) {
      if (paths.has(openapiPath(binding).shape, method)) continue;
      add(binding, method, [method.toLowerCase()], paths, context);
    }
  }
}

function add(
  binding: RestBinding,
  httpMethod: string,
  suffixes: readonly string[],
  paths: PathTable,
  context: OperationContext,
): void {
  const path = openapiPath(binding);
  const own = path.parameters.map(({ name }) => name);
  const rule = `"${binding.httpMethod} ${binding.template.text}" of ${methodName(binding.method)}`;
  paths.add(path.shape, own, httpMethod, rule, (names) => {
    const numbered = binding.index === 0 ? suffixes : [String(binding.index), ...suffixes];
    return operation(binding, path, names, numbered, context);
  });
}

function operation(
  binding: RestBinding,
  path: OpenApiPath,
  names: readonly string[],
  suffixes: readonly string[],
  context: OperationContext,
): Operation {
  const { method } = binding;
  const { schemas, options } = context;
  const parameters = [
    ...path.parameters.map((parameter, at) =>
      pathParameter(parameter, names[at] ?? parameter.name, binding, schemas.context),
    ),
    ...queryParameters(binding, schemas.context),
  ];
  const requestBody = restRequest(binding, schemas);
  const made: Operation = {
    ...operationHead(method, context),
    operationId: context.names.operationId(method, ...suffixes),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(requestBody === undefined ? {} : { requestBody }),
    responses: { "200": restResponse(binding, schemas), default: restError(binding.httpMethod, schemas) },
    ...(isExact(binding, namedPath(path.shape, names)) ? {} : { "x-google-http-rule": rule(binding) }),
  };
  return options.customize?.(made, method, "rest") ?? made;
}

/** Whether OpenAPI's path and method say all that the rule does. */
function isExact({ httpMethod, template }: RestBinding, path: string): boolean {
  return path === template.text && httpMethods.some((method) => method.toUpperCase() === httpMethod);
}

/** The rule as the contract has it, in the JSON of `google.api.HttpRule`. */
function rule({ httpMethod, template, body, responseBody }: RestBinding): Json {
  const isCustom = !["GET", "PUT", "POST", "DELETE", "PATCH"].includes(httpMethod);
  return {
    ...(isCustom
      ? { custom: { kind: httpMethod, path: template.text } }
      : { [httpMethod.toLowerCase()]: template.text }),
    ...(body === undefined ? {} : { body: body === "*" ? body : body.name }),
    ...(responseBody === undefined ? {} : { responseBody: responseBody.name }),
  };
}
