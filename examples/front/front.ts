import type { CallOptions, Client, HandlerContext } from "@connectrpc/connect";
import { GreetService } from "../../gen/greet/v1/greet_pb.ts";
import { component, implement } from "../../src/index.ts";
import type { Component } from "../../src/index.ts";

/**
 * The component `front`: a GreetService of its own that asks the greeters for
 * every answer. The contract names the component `greeter`, so that clients of
 * the mesh find the greeters and never this one.
 *
 * @param greeters the client to call them with; asked for at each call, because
 * a mesh needs its components before it can make clients
 */
export function front(greeters: () => Client<typeof GreetService>): Component {
  return component({
    name: "front",
    version: "1.0.0",
    services: [
      implement(GreetService, {
        greet: (request, context) => greeters().greet(request, onwards(context)),
        greetMany: (request, context) => greeters().greetMany(request, onwards(context)),
        chat: (requests, context) => greeters().chat(requests, onwards(context)),
        collect: (requests, context) => greeters().collect(requests, onwards(context)),
      }),
    ],
  });
}

/**
 * The caller's cancellation and what is left of its deadline, for the next
 * call. A deadline that is over stays one: a client of a mesh answers
 * `deadline_exceeded` to a time of 0 or less, where others would read "none".
 */
function onwards(context: HandlerContext): CallOptions {
  const timeoutMs = context.timeoutMs();
  return { signal: context.signal, ...(timeoutMs === undefined ? {} : { timeoutMs }) };
}
