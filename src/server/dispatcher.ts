import { respond, serve } from "../protocol/node-handler.ts";
import type { NodeRequest, NodeResponse } from "../protocol/node-handler.ts";
import { unknownMethod } from "../protocol/refusal.ts";
import type { Host } from "./host.ts";
import type { Tracker } from "./tracker.ts";

/** Content types that only RPC protocols use. */
const rpcType = /^application\/(grpc|connect|proto)\b/;

/** Answers requests for RPCs; everything else is for somebody else. */
export class Dispatcher {
  readonly #host: Host;
  readonly #tracker: Tracker;
  /** While draining, HTTP/1.1 connections are told to close after their answer. */
  draining = false;

  constructor(host: Host, tracker: Tracker) {
    this.#host = host;
    this.#tracker = tracker;
  }

  /** Answers the request and returns true, or returns false when it is not for an RPC. */
  handle(req: NodeRequest, res: NodeResponse): boolean {
    if (this.draining && req.httpVersionMajor === 1) res.setHeader("connection", "close");
    const url = req.url ?? "/";
    const query = url.indexOf("?");
    const path = query === -1 ? url : url.slice(0, query);
    const route = this.#host.route(path);
    if (route === undefined) return this.#unknown(req, res, path);
    res.once("close", this.#tracker.enter());
    void serve(route, req, res);
    return true;
  }

  #unknown(req: NodeRequest, res: NodeResponse, path: string): boolean {
    const service = path.slice(1, Math.max(1, path.lastIndexOf("/")));
    const methods = this.#host.methods(service);
    const contentType = req.headers["content-type"];
    if (methods === undefined && !rpcType.test(contentType ?? "")) return false;
    const refused = { method: req.method ?? "", path, contentType };
    // Reading on keeps the connection usable; what is sent is not looked at.
    req.resume();
    void respond(req, res, unknownMethod(refused, methods ?? this.#host.services())).catch(() => {
      res.destroy();
    });
    return true;
  }
}
