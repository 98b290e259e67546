import { Server as Http1Server } from "node:http";
import { Code } from "@connectrpc/connect";
import type { FastifyInstance } from "fastify";
import { sleep } from "../async/sleep.ts";
import type { Codec } from "../codec/codec.ts";
import { configurationError, meshError } from "../error.ts";
import type { HealthSource } from "../health/http.ts";
import type { NodeRequest, NodeResponse } from "../protocol/node-handler.ts";
import { advertisedAddress } from "./advertise.ts";
import { Dispatcher } from "./dispatcher.ts";
import { Host } from "./host.ts";
import { healthRoutes, http } from "./http.ts";
import type { HttpOptions } from "./http.ts";
import { Listener } from "./listener.ts";
import type { ListenOptions, ServerLimits } from "./options.ts";
import { Tracker } from "./tracker.ts";

/** Time for handlers to end after their signal aborted, in milliseconds. */
const abortGraceMs = 1_000;

/** Options of {@link Server}. */
export interface ServerOptions {
  readonly limits: ServerLimits;
  /** Formats that the Connect protocol understands. */
  readonly codecs: readonly Codec[];
  /** Undefined when nothing should be listened on: a mesh of clients, or one in a Fastify app. */
  readonly listen: ListenOptions | undefined;
  readonly http: HttpOptions;
  readonly health: HealthSource;
}

/**
 * What a mesh listens with: one port of its own, or a Fastify app that it is
 * mounted in, with the RPCs of a {@link Host} in front of Fastify's routes.
 */
export class Server {
  readonly host: Host;
  readonly tracker: Tracker = new Tracker();
  readonly #options: ServerOptions;
  readonly #shutdown = new AbortController();
  readonly #dispatcher: Dispatcher;
  #listener: Listener | undefined;
  #app: FastifyInstance | undefined;
  #mounted = false;
  #closed = false;
  /** Whether the app that the mesh is mounted in is closing. */
  #appCloses = false;

  constructor(options: ServerOptions) {
    this.#options = options;
    this.host = new Host(options.limits, options.codecs, this.#shutdown.signal);
    this.#dispatcher = new Dispatcher(this.host, this.tracker);
  }

  /** The Fastify app: the mesh's own, or the one it is mounted in. */
  get http(): FastifyInstance {
    return this.#app ?? this.#own();
  }

  /** Adds the RPCs and health endpoints to an app that listens by itself. */
  mount(app: FastifyInstance): void {
    if (this.#app !== undefined || this.#options.listen !== undefined) {
      throw configurationError(
        "this mesh has a port of its own; mount one that was created without listen, and only once",
      );
    }
    this.#app = app;
    this.#mounted = true;
    // Fastify leaves the body alone: the protocol's handler reads it.
    app.removeAllContentTypeParsers();
    app.addContentTypeParser("*", (_request, _payload, done) => {
      done(null);
    });
    for (const service of this.host.services()) {
      app.all(`/${service}/*`, (request, reply) => {
        // Fastify also routes what is no RPC here: more segments, an encoded path.
        if (this.#dispatcher.handle(request.raw, reply.raw)) reply.hijack();
        else reply.callNotFound();
      });
    }
    healthRoutes(app, this.#options.health);
    app.addHook("preClose", (done) => {
      this.#appCloses = true;
      if (this.#closed) this.#listener?.release();
      done();
    });
    if (app.server instanceof Http1Server) {
      const route = (req: NodeRequest, res: NodeResponse): void => {
        app.routing(req as never, res as never);
      };
      this.#listener = new Listener(route, this.#options.limits, app.server);
    }
  }

  /** Listens, unless the app does. Resolves to the address that others use; undefined without one. */
  async listen(): Promise<string | undefined> {
    const { listen } = this.#options;
    if (this.#mounted) {
      const bound = this.http.server.address();
      if (bound !== null) return advertisedAddress(bound, undefined);
      throw meshError(
        Code.FailedPrecondition,
        "LISTEN_FAILED",
        "the Fastify app does not listen yet; call app.listen() before mesh.start()",
      );
    }
    if (listen === undefined) return undefined;
    await this.http.ready();
    await this.#listener?.listen(listen);
    const bound = this.#listener?.address;
    return bound === undefined || bound === null
      ? undefined
      : advertisedAddress(bound, listen.advertise);
  }

  /** Stops taking calls; those that run have until the signal aborts, then they get `unavailable`. */
  async drain(grace: AbortSignal): Promise<void> {
    this.#dispatcher.draining = true;
    await this.#listener?.drain(!this.#mounted);
    await this.tracker.idle(grace);
    this.#shutdown.abort(
      meshError(
        Code.Unavailable,
        "SHUTTING_DOWN",
        "the server is stopping and ended the call; try another instance",
      ),
    );
    const last = new AbortController();
    await Promise.race([this.tracker.idle(last.signal), sleep(abortGraceMs)]);
    last.abort();
  }

  /** Ends what is left of connections and closes the mesh's own app; another app closes itself. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#mounted) {
      if (this.#appCloses) this.#listener?.release();
      return;
    }
    this.#listener?.destroy();
    await this.#app?.close();
  }

  #own(): FastifyInstance {
    const listener = new Listener((req, res) => {
      if (!this.#dispatcher.handle(req, res)) own.handle(req, res);
    }, this.#options.limits);
    const own = http(listener.server, this.#options.http);
    healthRoutes(own.app, this.#options.health);
    this.#listener = listener;
    this.#app = own.app;
    return own.app;
  }
}
