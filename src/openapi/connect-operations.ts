import type { DescMethod } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel as Level } from "@bufbuild/protobuf/wkt";
import { methodInfo } from "../contract/method.ts";
import { connectError, connectErrorSchema } from "./errors.ts";
import type { Content, Operation, Parameter, Response, Schema } from "./model.ts";
import { operationHead, successWords } from "./operation.ts";
import type { OperationContext } from "./operation.ts";
import type { PathTable } from "./path-table.ts";

const timeout: Parameter = {
  name: "Connect-Timeout-Ms",
  in: "header",
  description: "Deadline of the call, in milliseconds.",
  schema: { type: "integer", minimum: 0, maximum: 9_999_999_999 },
};

const version: Parameter = {
  name: "Connect-Protocol-Version",
  in: "header",
  description: "Version of the Connect protocol.",
  schema: { type: "string", enum: ["1"] },
};

/** Adds the operations of the Connect protocol: POST, and GET for unary methods without side effects. */
export function addConnectOperations(
  methods: readonly DescMethod[],
  paths: PathTable,
  context: OperationContext,
): void {
  for (const method of methods) {
    if (typesOf(method, context).length === 0) continue;
    const shape = `/${methodInfo(method).path}`;
    const rule = `The Connect path of ${method.parent.typeName}.${method.name}`;
    if (method.methodKind === "unary" && method.idempotency === Level.NO_SIDE_EFFECTS) {
      paths.add(shape, [], "GET", rule, () => get(method, context));
    }
    paths.add(shape, [], "POST", rule, () => post(method, context));
  }
}

function post(method: DescMethod, context: OperationContext): Operation {
  const schema = context.schemas.message(method.input);
  return customized(method, context, {
    ...operationHead(method, context),
    operationId: context.names.operationId(method, "Connect"),
    parameters: [version, timeout],
    requestBody: { required: true, content: contentOf(schema, method, context) },
    responses: responses(method, context),
  });
}

/** connectrpc.com/docs/protocol, "Unary-Get-Request". */
function get(method: DescMethod, context: OperationContext): Operation {
  const types = typesOf(method, context);
  const parameters: readonly Parameter[] = [
    {
      name: "message",
      in: "query",
      description: "The request, in the format that `encoding` says; in base64 with `base64=1`.",
      required: true,
      content: { "application/json": { schema: context.schemas.message(method.input) } },
    },
    {
      name: "encoding",
      in: "query",
      description: "Format of the message.",
      required: true,
      schema: { type: "string", enum: types },
    },
    {
      name: "base64",
      in: "query",
      description: "`1` when the message is in base64, as formats other than JSON must be.",
      schema: { type: "string", enum: ["1"] },
    },
    {
      name: "connect",
      in: "query",
      description: "Version of the Connect protocol.",
      schema: { type: "string", enum: ["v1"] },
    },
    timeout,
  ];
  return customized(method, context, {
    ...operationHead(method, context),
    operationId: context.names.operationId(method, "ConnectGet"),
    parameters,
    responses: responses(method, context),
  });
}

function responses(method: DescMethod, context: OperationContext): Readonly<Record<string, Response>> {
  const { schemas } = context;
  const description = successWords(method.output, schemas);
  const schema = schemas.message(method.output);
  if (method.methodKind === "unary") {
    const content = contentOf(schema, method, context);
    return { "200": { description, content }, default: connectError(schemas) };
  }
  const end: Schema = {
    type: "object",
    description: "The last message of the stream.",
    properties: {
      error: connectErrorSchema(schemas),
      metadata: { type: "object", additionalProperties: { type: "array", items: { type: "string" } } },
    },
  };
  return {
    "200": {
      description: `${description} Errors are in the last message of the stream.`,
      content: contentOf({ anyOf: [schema, end] }, method, context),
    },
    default: { description: "An answer that is not of the Connect protocol." },
  };
}

/** Unary bodies are messages; streams are messages with 5 bytes before each. */
function contentOf(schema: Schema, method: DescMethod, context: OperationContext): Content {
  const prefix = method.methodKind === "unary" ? "application/" : "application/connect+";
  return Object.fromEntries(typesOf(method, context).map((type) => [`${prefix}${type}`, { schema }]));
}

function typesOf(method: DescMethod, { options }: OperationContext): readonly string[] {
  const { connectTypes = ["json"] } = options;
  return typeof connectTypes === "function" ? connectTypes(method) : connectTypes;
}

function customized(method: DescMethod, { options }: OperationContext, made: Operation): Operation {
  return options.customize?.(made, method, "connect") ?? made;
}
