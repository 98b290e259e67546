/**
 * The client under test. Reads `ClientCompatRequest`s from stdin, makes each
 * call through a mesh, and writes a `ClientCompatResponse` for each to stdout.
 */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { errorText } from "../../src/error.ts";
import { call } from "./call.ts";
import { Clients } from "./clients.ts";
import { frame, framed } from "./framing.ts";
import {
  ClientCompatRequestSchema,
  ClientCompatResponseSchema,
  ClientErrorResultSchema,
} from "./gen/connectrpc/conformance/v1/client_compat_pb.ts";
import type { ClientCompatRequest } from "./gen/connectrpc/conformance/v1/client_compat_pb.ts";

/** Calls at the same time: enough to share connections, few enough that times mean something. */
const concurrency = 8;

const clients = new Clients();
const running = new Set<Promise<void>>();

async function answer(request: ClientCompatRequest): Promise<void> {
  const response = create(ClientCompatResponseSchema, { testName: request.testName });
  try {
    response.result = { case: "response", value: await call(clients.of(request), request) };
  } catch (error) {
    const value = create(ClientErrorResultSchema, { message: errorText(error) });
    response.result = { case: "error", value };
  }
  process.stdout.write(frame(toBinary(ClientCompatResponseSchema, response)));
}

for await (const message of framed(process.stdin)) {
  const one = answer(fromBinary(ClientCompatRequestSchema, message)).finally(() => running.delete(one));
  running.add(one);
  if (running.size >= concurrency) await Promise.race(running);
}
await Promise.all(running);
await clients.close();
