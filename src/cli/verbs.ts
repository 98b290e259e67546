import type { Verb } from "./verb.ts";

const ls: Verb = {
  name: "ls",
  summary: "list components and their instances",
  usage: "[COMPONENT]",
  about: `Lists what the registry has, with the health that it last heard of: also
instances in error, which get no calls. Fails when COMPONENT has no instance.`,
  options: ["registry", "timeout", "json"],
  operands: [0, 1],
  load: async () => (await import("./ls.ts")).ls,
};

const call: Verb = {
  name: "call",
  summary: "call a method of a service",
  usage: "PACKAGE.SERVICE/METHOD [MESSAGE...]",
  about: `Calls a method as a client of the mesh would. Messages are JSON. One that is
sent alone is the argument, or standard input when that is - or missing and not
a terminal; without any it is {}. Those of a stream are the arguments, or the
lines of standard input. A stream of answers is printed line by line.

The contract comes from the reflection of an instance, or from --image. Without
--timeout a call may take what its contract says, else 30s, and a stream 1h.
Ctrl-C cancels.

  mesh call greet.v1.GreetService/Greet '{"name": "Ada"}'
  mesh call greet.v1.GreetService/Chat '{"name": "Ada"}' '{"name": "Bob"}'`,
  options: ["registry", "address", "image", "channel", "instance", "header", "timeout", "verbose", "explain", "json"],
  operands: [1, Infinity],
  load: async () => (await import("./call.ts")).call,
};

const health: Verb = {
  name: "health",
  summary: "ask each instance how it is",
  usage: "[COMPONENT]",
  about: `Asks each instance in the registry at its address: grpc.health.v1.Health for
each service, and /health for the checks that do not pass. Fails when there is
no instance, or one that is not SERVING.`,
  options: ["registry", "timeout", "json"],
  operands: [0, 1],
  load: async () => (await import("./health.ts")).health,
};

const openapi: Verb = {
  name: "openapi",
  summary: "print the OpenAPI document of services",
  usage: "[SERVICE...]",
  about: `Prints an OpenAPI 3.1 document of the google.api.http rules of services: of
those that are named, else of all that the registry has, that --address serves,
or that are in --image. Only an image has the comments of the contracts, which
become the descriptions.`,
  options: ["registry", "address", "image", "connect", "timeout", "json"],
  operands: [0, Infinity],
  load: async () => (await import("./openapi.ts")).openapi,
};

/** All verbs, in the order of the help. */
export const verbs: readonly Verb[] = [ls, call, health, openapi];
