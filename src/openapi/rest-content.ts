import type { DescField, DescMethod } from "@bufbuild/protobuf";
import type { FieldPath } from "../protocol/rest/field-path.ts";
import type { RestBinding } from "../protocol/rest/rule.ts";
import { isRequired } from "./behavior.ts";
import { statusSchema } from "./errors.ts";
import { messageSchema } from "./messages.ts";
import type { Content, RequestBody, Response, Schema } from "./model.ts";
import { successWords } from "./operation.ts";
import { placed } from "./properties.ts";
import type { Schemas } from "./schemas.ts";
import { fieldSchema } from "./values.ts";

const httpBody = "google.api.HttpBody";

/** Bytes with a content type of their own. */
const raw: Content = { "*/*": { schema: { type: "string", format: "binary" } } };

/** The body of a binding's requests; undefined when it has none. */
export function restRequest(binding: RestBinding, schemas: Schemas): RequestBody | undefined {
  const { body, method } = binding;
  if (body === undefined) return undefined;
  const { context } = schemas;
  const bound = binding.variables.map(({ fields }) => fields);
  if (body === "*") {
    if (method.input.typeName === httpBody) return { content: raw };
    // The path binds only into the first message of a stream.
    const isWhole = bound.length === 0 || method.methodKind === "client_streaming";
    const schema = isWhole ? schemas.message(method.input) : messageSchema(method.input, context, { bound });
    const fields = method.input.fields.filter((field) => !bound.some(([first]) => first === field));
    const required = fields.some((field) => isRequired(field, context.rules));
    return { ...(required ? { required } : {}), content: jsonBody(method, schema) };
  }
  const inside = bound.filter(([first]) => first === body).map((fields) => fields.slice(1));
  const comment = context.comments.of(body);
  return {
    ...(comment === undefined ? {} : { description: comment }),
    ...(isRequired(body, context.rules) ? { required: true } : {}),
    content: body.message?.typeName === httpBody ? raw : jsonBody(method, bodySchema(binding, body, inside, schemas)),
  };
}

/** A PATCH sends what changes: nothing is required in the message that it patches. */
function bodySchema(
  { httpMethod }: RestBinding,
  body: DescField,
  bound: readonly FieldPath[],
  { context }: Schemas,
): Schema {
  if (body.fieldKind !== "message") return fieldSchema(body, context);
  const partial = httpMethod === "PATCH" && body.message.fields.some((field) => isRequired(field, context.rules));
  if (bound.length === 0 && !partial) return fieldSchema(body, context);
  return placed(body, messageSchema(body.message, context, { bound, partial }), context);
}

/** Clients that stream send one JSON value a message, each on a line. */
function jsonBody({ methodKind }: DescMethod, schema: Schema): Content {
  return methodKind === "client_streaming"
    ? { "application/x-ndjson": { schema } }
    : { "application/json": { schema } };
}

/** The answer of a binding when all went well. */
export function restResponse({ method, httpMethod, responseBody }: RestBinding, schemas: Schemas): Response {
  const description = successWords(responseBody ?? method.output, schemas);
  if (httpMethod === "HEAD") return { description };
  const sent = responseBody === undefined ? method.output : responseBody.message;
  if (sent?.typeName === httpBody) return { description, content: raw };
  const schema =
    responseBody === undefined ? schemas.message(method.output) : fieldSchema(responseBody, schemas.context);
  if (method.methodKind !== "server_streaming") {
    return { description, content: { "application/json": { schema } } };
  }
  const error = statusSchema(schemas);
  const line: Schema = {
    description: "A line of the stream: a message, or the error that ended it.",
    oneOf: [
      { type: "object", properties: { result: schema }, required: ["result"] },
      { type: "object", properties: { error }, required: ["error"] },
    ],
  };
  const event: Schema = {
    description: "The data of an event: a message, or in the event `error` what ended the stream.",
    anyOf: [schema, error],
  };
  return {
    description,
    content: { "application/x-ndjson": { schema: line }, "text/event-stream": { schema: event } },
  };
}
