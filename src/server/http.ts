import type { Server } from "node:http";
import fastify from "fastify";
import type { FastifyInstance, FastifyServerOptions } from "fastify";
import { healthResponse } from "../health/http.ts";
import type { HealthKind, HealthSource } from "../health/http.ts";
import type { NodeRequest, NodeResponse } from "../protocol/node-handler.ts";
import type { Cors } from "./cors.ts";
import type { Http1Server } from "./http1-server.ts";

/** Fastify's options, as far as a mesh leaves them to the user. */
export type HttpOptions = Omit<FastifyServerOptions, "serverFactory">;

/** A Fastify app over a server that is not its own. */
export interface Http {
  readonly app: FastifyInstance;
  /** Hands a request to Fastify. */
  readonly handle: (req: NodeRequest, res: NodeResponse) => void;
}

/** Makes the Fastify app that carries what is not RPC. */
export function http(server: Http1Server, options: HttpOptions): Http {
  // Fastify's types tell servers with TLS apart; what it does with them is the same.
  const app: FastifyInstance = fastify({ ...options, serverFactory: () => server as Server });
  return {
    app,
    handle: (req, res) => {
      app.routing(req as Parameters<typeof app.routing>[0], res as Parameters<typeof app.routing>[1]);
    },
  };
}

const kinds: readonly HealthKind[] = ["livez", "readyz", "health"];

/** Adds `/livez`, `/readyz` and `/health`, except those that the app has already. */
export function healthRoutes(app: FastifyInstance, source: HealthSource, cors: Cors | undefined): void {
  for (const kind of kinds) {
    const url = `/${kind}`;
    if (app.hasRoute({ method: "GET", url })) continue;
    app.get(url, async (request, reply) => {
      const query = new URLSearchParams(request.url.split("?")[1] ?? "");
      const { status, headers, body } = await healthResponse(kind, query, source);
      return reply.status(status).headers(headers).send(body);
    });
    if (cors === undefined || app.hasRoute({ method: "OPTIONS", url })) continue;
    app.options(url, (request, reply) => {
      if (cors.preflight(request.raw, reply.raw, ["GET", "HEAD"])) reply.hijack();
      else reply.callNotFound();
    });
  }
}

/** Lets pages of other origins read what the routes of this Fastify scope answer. */
export function markAnswers(app: FastifyInstance, cors: Cors | undefined): void {
  if (cors === undefined) return;
  app.addHook("onRequest", (request, reply, done) => {
    cors.mark(request.raw, reply.raw);
    done();
  });
}
