import type { Server } from "node:http";
import fastify from "fastify";
import type { FastifyInstance, FastifyServerOptions } from "fastify";
import { healthResponse } from "../health/http.ts";
import type { HealthKind, HealthSource } from "../health/http.ts";
import type { NodeRequest, NodeResponse } from "../protocol/node-handler.ts";

/** Fastify's options, as far as a mesh leaves them to the user. */
export type HttpOptions = Omit<FastifyServerOptions, "serverFactory">;

/** A Fastify app over a server that is not its own. */
export interface Http {
  readonly app: FastifyInstance;
  /** Hands a request to Fastify. */
  readonly handle: (req: NodeRequest, res: NodeResponse) => void;
}

/** Makes the Fastify app that carries what is not RPC. */
export function http(server: Server, options: HttpOptions): Http {
  const app: FastifyInstance = fastify({ ...options, serverFactory: () => server });
  return {
    app,
    handle: (req, res) => {
      app.routing(req as Parameters<typeof app.routing>[0], res as Parameters<typeof app.routing>[1]);
    },
  };
}

const kinds: readonly HealthKind[] = ["livez", "readyz", "health"];

/** Adds `/livez`, `/readyz` and `/health`, except those that the app has already. */
export function healthRoutes(app: FastifyInstance, source: HealthSource): void {
  for (const kind of kinds) {
    const url = `/${kind}`;
    if (app.hasRoute({ method: "GET", url })) continue;
    app.get(url, async (request, reply) => {
      const query = new URLSearchParams(request.url.split("?")[1] ?? "");
      const { status, headers, body } = await healthResponse(kind, query, source);
      return reply.status(status).headers(headers).send(body);
    });
  }
}
