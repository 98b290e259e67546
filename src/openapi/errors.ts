import { Code } from "@connectrpc/connect";
import { StatusSchema } from "../../gen/google/rpc/status_pb.ts";
import type { Content, Response, Schema } from "./model.ts";
import type { Schemas } from "./schemas.ts";

/** The schema of an error over REST: `google.rpc.Status`. */
export function statusSchema(schemas: Schemas): Schema {
  return schemas.message(StatusSchema);
}

/** The answer of a REST operation that failed. An answer to HEAD has no body. */
export function restError(httpMethod: string, schemas: Schemas): Response {
  if (httpMethod === "HEAD") return failure(undefined);
  return failure({ "application/json": { schema: statusSchema(schemas) } });
}

/** The answer of a Connect operation that failed (connectrpc.com/docs/protocol, "Error"). */
export function connectError(schemas: Schemas): Response {
  return failure({ "application/json": { schema: connectErrorSchema(schemas) } });
}

function failure(content: Content | undefined): Response {
  return {
    description: "An error. Its HTTP status follows from its code.",
    ...(content === undefined ? {} : { content }),
  };
}

/** The schema of an error over Connect. */
export function connectErrorSchema(schemas: Schemas): Schema {
  return schemas.add("connect.Error", () => ({
    type: "object",
    description: "An error of the Connect protocol.",
    properties: {
      code: { type: "string", enum: codes },
      message: { type: "string", description: "What happened, for people." },
      details: { type: "array", items: schemas.add("connect.ErrorDetail", () => errorDetail) },
    },
    required: ["code"],
  }));
}

/** The codes as Connect spells them. */
const codes: readonly string[] = Object.values(Code)
  .filter((name) => typeof name === "string")
  .map((name) => name.replaceAll(/(?<!^)[A-Z]/g, "_$&").toLowerCase());

const errorDetail: Schema = {
  type: "object",
  description: "A message that says more about an error.",
  properties: {
    type: { type: "string", description: "Full name of the message, such as `google.rpc.ErrorInfo`." },
    value: { type: "string", contentEncoding: "base64", description: "The message in protobuf's binary form." },
    debug: { description: "The message in JSON, for people." },
  },
  required: ["type", "value"],
};
