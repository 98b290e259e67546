import type { Message } from "@bufbuild/protobuf";
import { invokeUnaryImplementation } from "@connectrpc/connect/protocol";
import type { UniversalHandlerFn } from "@connectrpc/connect/protocol";
import type { HostedMethod } from "../hosted.ts";
import { answerWriter, finish } from "./answer.ts";
import type { Answer } from "./answer.ts";
import { admit, beginCall } from "./call.ts";
import type { RestServerOptions } from "./options.ts";
import { requestReader } from "./request.ts";
import type { RestBinding } from "./rule.ts";

/** Handles a binding of a unary method. */
export function unaryHandler(
  hosted: HostedMethod,
  binding: RestBinding,
  options: RestServerOptions,
): UniversalHandlerFn {
  const { spec, interceptors } = hosted;
  if (spec.kind !== "unary") throw new TypeError(`${spec.method.name} is not unary`);
  const reader = requestReader(binding, options);
  const writer = answerWriter(binding, options);
  return async (req) => {
    const call = beginCall(hosted, req);
    const { context } = call;
    let answer: Answer;
    try {
      await admit(hosted, context);
      const input = await reader.read(call);
      const output: Message = await invokeUnaryImplementation(spec, context, input, [...interceptors]);
      answer = { status: 200, body: writer.body(output, context.responseHeader) };
    } catch (thrown) {
      context.abort(thrown);
      answer = writer.failure(thrown, context);
    } finally {
      context.abort();
    }
    return finish(answer, context);
  };
}
