import type { ServerResponse } from "node:http";
import type { NodeRequest, NodeResponse } from "../protocol/node-handler.ts";

/** The scheme and authority of an absolute-form target. */
const origin = /^https?:\/\/[^/?#]*/i;

/**
 * Makes a request's target what everything else expects, a path with a query:
 * servers must also take a whole URL (RFC 9112, section 3.2.2). A request of
 * HTTP/1.1 with more than one `Host` is answered with 400, as section 3.2
 * demands, since proxies may have gone by another one of them. Returns false
 * when the request was answered.
 */
export function tidyTarget(req: NodeRequest, res: NodeResponse): boolean {
  if (req.httpVersionMajor !== 1) return true;
  const { url = "/", rawHeaders } = req;
  if (!url.startsWith("/")) {
    const path = url.replace(origin, "");
    if (path !== url) req.url = path.startsWith("/") ? path : `/${path}`;
  }
  let hosts = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at];
    if (name?.length === 4 && name.toLowerCase() === "host") hosts++;
  }
  if (hosts < 2) return true;
  const out = res as ServerResponse;
  out.writeHead(400, { "content-type": "text/plain; charset=utf-8", connection: "close" });
  out.end("a request has one Host header; send it once\n");
  return false;
}
