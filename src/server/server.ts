import { Server as HttpServer } from "node:http";
import { Server as HttpsServer } from "node:https";
import { Server as TlsServer } from "node:tls";
import { Code } from "@connectrpc/connect";
import type { FastifyInstance } from "fastify";
import { sleep } from "../async/sleep.ts";
import type { Codec } from "../codec/codec.ts";
import { concurrencyOf } from "../contract/concurrency.ts";
import type { ConcurrencyPolicy, Some } from "../contract/policy.ts";
import { configurationError, meshError } from "../error.ts";
import type { HealthSource } from "../health/http.ts";
import type { Callers } from "../protocol/callers.ts";
import type { NodeRequest, NodeResponse } from "../protocol/node-handler.ts";
import { advertisedAddress } from "./advertise.ts";
import { Cors } from "./cors.ts";
import type { CorsOptions } from "./cors.ts";
import { Dispatcher } from "./dispatcher.ts";
import { Host } from "./host.ts";
import { healthRoutes, http, markAnswers } from "./http.ts";
import type { HttpOptions } from "./http.ts";
import { Listener } from "./listener.ts";
import type { OnStream } from "./listener.ts";
import type { ListenOptions, ServerLimits } from "./options.ts";
import { restMethods, restUrls, unknownPaths } from "./rest-mount.ts";
import { tidyTarget } from "./target.ts";
import { Tracker } from "./tracker.ts";

/** Time for handlers to end after their signal aborted, in milliseconds. */
const abortGraceMs = 1_000;

/** Options of {@link Server}. */
export interface ServerOptions {
  readonly limits: ServerLimits;
  /** Bounds the calls from outside the process, besides the limits. Default: not at all. */
  readonly concurrency?: Some<ConcurrencyPolicy> | undefined;
  /** Formats that the Connect protocol understands. */
  readonly codecs: readonly Codec[];
  /** Whether unary calls that need nothing unusual take the short way. */
  readonly fastPath: boolean;
  /** Told which handler runs. */
  readonly callers: Callers;
  /** Undefined when nothing should be listened on: a mesh of clients, or one in a Fastify app. */
  readonly listen: ListenOptions | undefined;
  readonly http: HttpOptions;
  readonly health: HealthSource;
  /** Which pages of other origins may call. Default none. */
  readonly cors?: CorsOptions | undefined;
  /** Adds more routes to the Fastify app, after the health endpoints. Default none. */
  readonly routes?: ((app: FastifyInstance) => void) | undefined;
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
  readonly #cors: Cors | undefined;
  #listener: Listener | undefined;
  #app: FastifyInstance | undefined;
  /** Requests over HTTP/2 that need nothing unusual do without Node's compatible objects. */
  readonly #onStream: OnStream = (stream, headers) => this.#dispatcher.stream(stream, headers);
  #mounted = false;
  #closed = false;
  /** Whether the app that the mesh is mounted in is closing. */
  #appCloses = false;

  /** Throws a configuration error for options that cannot work. */
  constructor(options: ServerOptions) {
    this.#options = options;
    const concurrency = concurrencyOf(options.concurrency, "the mesh");
    const { limits, codecs, fastPath, callers } = options;
    const { signal: shutdown } = this.#shutdown;
    this.host = new Host({ limits, concurrency, codecs, shutdown, tracker: this.tracker, fastPath, callers });
    this.#cors = options.cors === undefined ? undefined : new Cors(options.cors);
    this.#dispatcher = new Dispatcher(this.host, this.tracker, this.#cors);
  }

  /** The Fastify app: the mesh's own, or the one it is mounted in. */
  get http(): FastifyInstance {
    return this.#app ?? this.#own();
  }

  /**
   * Adds the RPCs and health endpoints to an app that listens by itself. With
   * TLS, the app decides in its `https` options whether HTTP/2 is agreed on:
   * `ALPNProtocols: ["h2", "http/1.1"]`.
   */
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
    const rest = this.host.restBindings();
    for (const method of restMethods(rest, app)) app.addHttpMethod(method, { hasBody: true });
    const services = this.host.services().map((service) => `/${service}/*`);
    for (const url of [...services, ...restUrls(rest)]) {
      app.all(url, (request, reply) => {
        // Fastify also routes what is no RPC here: more segments, an encoded path.
        if (this.#dispatcher.handle(request.raw, reply.raw)) reply.hijack();
        else reply.callNotFound();
      });
    }
    this.#addRoutes(app);
    app.addHook("preClose", (done) => {
      this.#appCloses = true;
      if (this.#closed) this.#listener?.release();
      done();
    });
    const server: unknown = app.server;
    if (server instanceof HttpServer || server instanceof HttpsServer) {
      const route = (req: NodeRequest, res: NodeResponse): void => {
        app.routing(req as never, res as never);
      };
      this.#listener = new Listener(route, this.#options.limits, { server });
    }
  }

  /** Listens, unless the app does. Resolves to the address that others use; undefined without one. */
  async listen(): Promise<string | undefined> {
    const { listen } = this.#options;
    if (this.#mounted) {
      const { server } = this.http;
      const bound = server.address();
      if (bound !== null) return advertisedAddress(bound, undefined, server instanceof TlsServer);
      throw meshError(
        Code.FailedPrecondition,
        "LISTEN_FAILED",
        "the Fastify app does not listen yet; call app.listen() before mesh.start()",
      );
    }
    if (listen === undefined) return undefined;
    if (listen.path !== undefined && listen.tls !== undefined) {
      throw configurationError(
        "listen.path and listen.tls do not go together: the address of a unix socket cannot say that it speaks TLS",
      );
    }
    if (this.host.restBindings().length > 0) {
      // As the last plugin: an answer of the app's own is there by then.
      void this.http.register((app, _options, done) => {
        unknownPaths(app);
        done();
      });
    }
    await this.http.ready();
    await this.#listener?.listen(listen);
    const bound = this.#listener?.address;
    return bound === undefined || bound === null
      ? undefined
      : advertisedAddress(bound, listen.advertise, listen.tls !== undefined);
  }

  /** Stops taking calls; those that run have until the signal aborts, then they get `unavailable`. */
  async drain(grace: AbortSignal): Promise<void> {
    this.#dispatcher.drain();
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

  /** Adds what is no RPC, after the routes that are there: those win. */
  #addRoutes(app: FastifyInstance): void {
    markAnswers(app, this.#cors);
    healthRoutes(app, this.#options.health, this.#cors);
    this.#options.routes?.(app);
  }

  #own(): FastifyInstance {
    const { limits, listen } = this.#options;
    const onRequest = (req: NodeRequest, res: NodeResponse): void => {
      if (!tidyTarget(req, res)) return;
      if (!this.#dispatcher.handle(req, res)) own.handle(req, res);
    };
    const listener = new Listener(onRequest, limits, { tls: listen?.tls, onStream: this.#onStream });
    const own = http(listener.server, this.#options.http);
    // As a plugin, which runs at the start: routes that were added before win.
    void own.app.register((app, _options, done) => {
      this.#addRoutes(app);
      done();
    });
    this.#listener = listener;
    this.#app = own.app;
    return own.app;
  }
}
