import { createHandlerContext } from "@connectrpc/connect";
import type { HandlerContext } from "@connectrpc/connect";
import { assertByteStreamRequest } from "@connectrpc/connect/protocol";
import type { UniversalServerRequest } from "@connectrpc/connect/protocol";
import type { HostedMethod } from "../hosted.ts";
import type { RestRequest } from "./request.ts";
import { timeoutOf } from "./timeout.ts";

/** A call before its body is read. */
export interface RestCall extends RestRequest {
  readonly context: ReturnType<typeof createHandlerContext>;
}

/** Makes the context of a call and asks the gate. What it throws is answered as an error. */
export function beginCall(hosted: HostedMethod, req: UniversalServerRequest): RestCall {
  assertByteStreamRequest(req);
  const timeout = timeoutOf(req.header);
  const context = createHandlerContext({
    service: hosted.spec.method.parent,
    method: hosted.spec.method,
    requestMethod: req.method,
    protocolName: "rest",
    ...(typeof timeout === "number" ? { timeoutMs: timeout } : {}),
    shutdownSignal: hosted.shutdown,
    requestSignal: req.signal,
    requestHeader: req.header,
    url: req.url,
    responseHeader: { "content-type": "application/json" },
    ...(req.contextValues === undefined ? {} : { contextValues: req.contextValues }),
  });
  // The URL is an authority that a URL can hold, then the target as it came.
  const target = req.url.slice(req.url.indexOf("/", req.url.indexOf("://") + 3));
  return { context, target, header: req.header, body: req.body };
}

/** Turns a call away that its gate or its own headers refuse. */
export async function admit(hosted: HostedMethod, context: HandlerContext): Promise<void> {
  await hosted.requestGate?.(context);
  const timeout = timeoutOf(context.requestHeader);
  if (timeout instanceof Error) throw timeout;
}
