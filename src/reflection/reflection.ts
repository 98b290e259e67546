import type { DescService } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import type { ServiceImpl } from "@connectrpc/connect";
import type {
  ServerReflection,
  ServerReflectionRequest,
} from "../../gen/grpc/reflection/v1/reflection_pb.ts";
import type {
  ServerReflection as AlphaReflection,
  ServerReflectionRequest as AlphaRequest,
} from "../../gen/grpc/reflection/v1alpha/reflection_pb.ts";
import { unlessAborted } from "../async/unless-aborted.ts";
import { meshError } from "../error.ts";
import { answer } from "./answer.ts";
import type { Answer } from "./answer.ts";
import { FileIndex } from "./file-index.ts";

/** Options of {@link reflection}. */
export interface ReflectionOptions {
  /**
   * Ends all streams with `unavailable` when it aborts, so that tools that keep
   * one open do not hold up a drain. Default never.
   */
  readonly signal?: AbortSignal | undefined;
}

/** Server reflection in both of its versions. */
export interface Reflection {
  /** Implements `grpc.reflection.v1.ServerReflection`. */
  readonly v1: ServiceImpl<typeof ServerReflection>;
  /** Implements `grpc.reflection.v1alpha.ServerReflection`, which older tools ask for. */
  readonly v1alpha: ServiceImpl<typeof AlphaReflection>;
}

/**
 * Implements server reflection (grpc/doc/server-reflection.md) from descriptors
 * that the process has anyway: tools can list the services and call them
 * without having their contracts.
 *
 * What cannot be found is answered with an `error_response` of `not_found`, and
 * a request that asks for nothing with one of `invalid_argument`; the stream
 * stays open. A file comes with all that it imports, except what the stream has
 * sent already. Only extensions in files that a service's file imports are
 * known. Comments are not: generated code does not carry them.
 *
 * @param services all services of the process, asked for again with each
 *   request, so that services may be added at any time
 */
export function reflection(
  services: () => readonly DescService[],
  options: ReflectionOptions = {},
): Reflection {
  let index: FileIndex | undefined;
  const current = (): FileIndex => {
    const now = services().toSorted((a, b) => (a.typeName < b.typeName ? -1 : 1));
    if (index === undefined || !sameItems(index.services, now)) index = new FileIndex(now);
    return index;
  };

  async function* talk<R extends ServerReflectionRequest | AlphaRequest>(
    requests: AsyncIterable<R>,
  ): AsyncGenerator<{ validHost: string; originalRequest: R; messageResponse: Answer }> {
    const sent = new Set<string>();
    for await (const request of untilAborted(requests, options.signal)) {
      yield {
        validHost: request.host,
        originalRequest: request,
        messageResponse: answer(request.messageRequest, current(), sent),
      };
    }
  }

  return { v1: { serverReflectionInfo: talk }, v1alpha: { serverReflectionInfo: talk } };
}

async function* untilAborted<T>(
  values: AsyncIterable<T>,
  signal: AbortSignal | undefined,
): AsyncGenerator<T> {
  if (signal === undefined) {
    yield* values;
    return;
  }
  const from = values[Symbol.asyncIterator]();
  for (;;) {
    const result = await unlessAborted(from.next(), signal).catch((error: unknown) => {
      throw signal.aborted ? shuttingDown() : error;
    });
    if (result.done === true) return;
    yield result.value;
  }
}

function shuttingDown(): Error {
  return meshError(
    Code.Unavailable,
    "SHUTTING_DOWN",
    "this server is shutting down; ask another one",
  );
}

function sameItems<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((item, at) => item === b[at]);
}
