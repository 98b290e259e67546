import { contentTypeMatcher } from "@connectrpc/connect/protocol";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import type { HostedMethod } from "../hosted.ts";
import type { RestServerOptions } from "./options.ts";
import type { RestBinding } from "./rule.ts";
import { streamHandler } from "./server-stream.ts";
import { unaryHandler } from "./server-unary.ts";

/**
 * Handles the requests of one binding: the same implementation, interceptors
 * and gate as every other wire. Requests must match the binding.
 */
export function restHandler(
  hosted: HostedMethod,
  binding: RestBinding,
  options: RestServerOptions,
): UniversalHandler {
  const { method } = binding;
  const handle = hosted.spec.kind === "unary" ? unaryHandler : streamHandler;
  return Object.assign(handle(hosted, binding, options), {
    protocolNames: ["rest"],
    supportedContentType: contentTypeMatcher(/^/),
    allowedMethods: [binding.httpMethod],
    requestPath: binding.template.text,
    service: method.parent,
    method,
  });
}
