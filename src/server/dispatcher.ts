import type { IncomingMessage, ServerResponse } from "node:http";
import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { UniversalServerResponse } from "@connectrpc/connect/protocol";
import { respond, serve } from "../protocol/node-handler.ts";
import type { NodeRequest, NodeResponse } from "../protocol/node-handler.ts";
import { unknownMethod } from "../protocol/refusal.ts";
import { methodNotAllowed, refusalResponse } from "../protocol/rest/refusal.ts";
import { translateTimeout } from "../protocol/rest/timeout.ts";
import type { UnaryForm, UnaryMethod } from "../protocol/unary/form.ts";
import { Http1Exchange } from "../protocol/unary/http1-exchange.ts";
import { Http2Exchange } from "../protocol/unary/http2-exchange.ts";
import type { UnaryRoute } from "../protocol/unary/route.ts";
import { UnaryCall } from "../protocol/unary/server-call.ts";
import { requestedMethod } from "./cors.ts";
import type { Cors } from "./cors.ts";
import type { Host } from "./host.ts";
import type { Tracker } from "./tracker.ts";

/** Content types that only RPC protocols use. */
const rpcType = /^application\/(grpc|connect|proto)\b/;

/** Content types of RPC protocols that no REST rule is for. */
const envelopedType = /^application\/(grpc|connect)\b/;

/** Paths that stay with the health endpoints, whatever a REST rule would take. */
const healthPaths: ReadonlySet<string> = new Set(["/livez", "/readyz", "/health"]);

/** A unary call that can be made in one piece. */
interface UsualCall {
  readonly method: UnaryMethod;
  readonly form: UnaryForm;
  /** The deadline that the request brings, in milliseconds; -1 for none. */
  readonly askedMs: number;
}

/** Answers requests for RPCs, by their own paths and by REST rules; everything else is for somebody else. */
export class Dispatcher {
  readonly #host: Host;
  readonly #tracker: Tracker;
  readonly #cors: Cors | undefined;
  /** HTTP/1.1 requests that are running. */
  readonly #http1 = new Set<NodeResponse>();
  readonly #isDraining = (): boolean => this.#draining;
  #draining = false;

  constructor(host: Host, tracker: Tracker, cors: Cors | undefined) {
    this.#host = host;
    this.#tracker = tracker;
    this.#cors = cors;
  }

  /** From now on HTTP/1.1 connections are told to close after their answer. */
  drain(): void {
    this.#draining = true;
    for (const res of this.#http1) if (!res.headersSent) res.setHeader("connection", "close");
  }

  /** Answers a request over HTTP/2 and returns true, or returns false when it is not a usual unary call. */
  stream(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): boolean {
    const path = headers[":path"];
    const found = path === undefined ? undefined : this.#usual(headers[":method"], path, headers);
    if (found === undefined) return false;
    const exchange = new Http2Exchange(stream, headers, this.#tracker);
    this.#call(found, exchange);
    return true;
  }

  /** Answers the request and returns true, or returns false when it is not for an RPC. */
  handle(req: NodeRequest, res: NodeResponse): boolean {
    if (req.httpVersionMajor === 1 && this.#short(req as IncomingMessage, res as ServerResponse)) return true;
    if (req.httpVersionMajor === 1) this.#follow(res);
    const url = req.url ?? "/";
    const query = url.indexOf("?");
    const path = query === -1 ? url : url.slice(0, query);
    if (this.#preflight(req, res, path)) return true;
    const route = this.#host.route(path);
    if (route === undefined) return this.#rest(req, res, path) || this.#unknown(req, res, path);
    this.#cors?.mark(req, res);
    res.once("close", this.#tracker.enter());
    void serve(route, req, res);
    return true;
  }

  #short(req: IncomingMessage, res: ServerResponse): boolean {
    const found = this.#usual(req.method, req.url ?? "/", req.headers);
    if (found === undefined || found.form.needsHttp2 === true) return false;
    this.#call(found, new Http1Exchange(req, res, this.#tracker, this.#isDraining));
    return true;
  }

  /** The form of a unary call that needs nothing unusual; undefined for everything else. */
  #usual(
    method: string | undefined,
    path: string,
    headers: IncomingHttpHeaders,
  ): UsualCall | undefined {
    // Pages of other origins need more headers in the answer.
    if (this.#cors !== undefined || method === undefined) return undefined;
    const rpc = this.#host.route(path);
    const route = rpc === undefined ? this.#usualRest(method, path) : method === "POST" ? rpc.unary : undefined;
    const form = route?.form(headers["content-type"]);
    if (route === undefined || form === undefined) return undefined;
    const askedMs = form.admit(headers);
    return askedMs === undefined ? undefined : { method: route.method, form, askedMs };
  }

  #usualRest(method: string, target: string): UnaryRoute | undefined {
    const query = target.indexOf("?");
    const path = query === -1 ? target : target.slice(0, query);
    // A query turns an RPC's path into something unusual, not into REST.
    if (healthPaths.has(path) || (query !== -1 && this.#host.route(path) !== undefined)) return undefined;
    return this.#host.restRoute(method, path)?.target?.unary;
  }

  #call({ method, form, askedMs }: UsualCall, exchange: Http1Exchange | Http2Exchange): void {
    new UnaryCall(method, form, exchange, askedMs).begin();
  }

  #follow(res: NodeResponse): void {
    if (this.#draining) {
      res.setHeader("connection", "close");
      return;
    }
    this.#http1.add(res);
    res.once("close", () => this.#http1.delete(res));
  }

  /** Answers the question of a browser whether a page of another origin may call here. */
  #preflight(req: NodeRequest, res: NodeResponse, path: string): boolean {
    const requested = this.#cors === undefined ? undefined : requestedMethod(req);
    if (requested === undefined) return false;
    const methods = this.#methodsAt(path, requested);
    return methods !== undefined && this.#cors?.preflight(req, res, methods) === true;
  }

  /** HTTP methods that a path takes, that one among them if it does; undefined for a path of somebody else. */
  #methodsAt(path: string, requested: string): readonly string[] | undefined {
    const route = this.#host.route(path);
    if (route !== undefined) return route.handler.allowedMethods;
    if (this.#host.methods(serviceOf(path)) !== undefined) return ["POST"];
    const match = healthPaths.has(path) ? undefined : this.#host.restRoute(requested, path);
    if (match === undefined) return undefined;
    return match.target === undefined ? match.allow : [requested];
  }

  #rest(req: NodeRequest, res: NodeResponse, path: string): boolean {
    const { method = "", headers } = req;
    if (healthPaths.has(path) || envelopedType.test(headers["content-type"] ?? "")) return false;
    const match = this.#host.restRoute(method, path);
    if (match === undefined) return false;
    this.#cors?.mark(req, res);
    if (match.target === undefined) {
      this.#refuse(req, res, refusalResponse(method, methodNotAllowed(method, path, match.allow)));
      return true;
    }
    translateTimeout(headers);
    res.once("close", this.#tracker.enter());
    void serve(match.target, req, res);
    return true;
  }

  #unknown(req: NodeRequest, res: NodeResponse, path: string): boolean {
    const methods = this.#host.methods(serviceOf(path));
    const contentType = req.headers["content-type"];
    if (methods === undefined && !rpcType.test(contentType ?? "")) return false;
    this.#cors?.mark(req, res);
    const refused = { method: req.method ?? "", path, contentType };
    this.#refuse(req, res, unknownMethod(refused, methods ?? this.#host.services()));
    return true;
  }

  #refuse(req: NodeRequest, res: NodeResponse, response: UniversalServerResponse): void {
    // Reading on keeps the connection usable; what is sent is not looked at.
    req.resume();
    void respond(req, res, response).catch(() => {
      res.destroy();
    });
  }
}

/** The service that a path would name if it were an RPC's. */
function serviceOf(path: string): string {
  return path.slice(1, Math.max(1, path.lastIndexOf("/")));
}
