import { createHash } from "node:crypto";
import type { FastifyInstance } from "fastify";
import type { Codec } from "../codec/codec.ts";
import type { Component } from "../component/component.ts";
import { ofComponents } from "./of-components.ts";
import type { OpenApiOptions } from "./options.ts";

/** The document as it is sent. */
interface Served {
  readonly body: string;
  readonly etag: string;
}

/**
 * Makes what adds `GET /openapi.json` to an app, unless that has it already.
 * The document is made when it is first asked for. It has an `ETag`, so that a
 * client that has it is answered with 304. Undefined when it is not wanted.
 *
 * @param codecs formats that the Connect protocol understands
 * @param wanted default: unless the environment variable `NODE_ENV` is `production`
 */
export function openapiRoute(
  components: readonly Component[],
  codecs: readonly Codec[],
  wanted: boolean | OpenApiOptions = process.env["NODE_ENV"] !== "production",
): ((app: FastifyInstance) => void) | undefined {
  if (wanted === false || components.length === 0) return undefined;
  const url = "/openapi.json";
  let served: Served | undefined;
  return (app) => {
    if (app.hasRoute({ method: "GET", url })) return;
    app.get(url, async (request, reply) => {
      served ??= await serve(components, codecs, wanted === true ? {} : wanted);
      const { body, etag } = served;
      reply.headers({ etag, "cache-control": "no-cache" });
      if (knows(request.headers["if-none-match"], etag)) return reply.status(304).send();
      return reply.type("application/json; charset=utf-8").send(body);
    });
  };
}

async function serve(
  components: readonly Component[],
  codecs: readonly Codec[],
  wanted: OpenApiOptions,
): Promise<Served> {
  // Loaded when somebody asks: most processes are never asked.
  const { openapi } = await import("./openapi.ts");
  const { services, options } = ofComponents(components, codecs, wanted);
  const body = JSON.stringify(openapi(services, options), undefined, 2);
  return { body, etag: `"${createHash("sha256").update(body).digest("base64url")}"` };
}

/** Whether a client has the document: `If-None-Match` compares weakly (RFC 9110, section 13.1.2). */
function knows(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(",").some((item) => ["*", etag].includes(item.trim().replace(/^W\//, "")));
}
