import type { DescMethod, DescService } from "@bufbuild/protobuf";
import type { ContextValues } from "@connectrpc/connect";
import { methodInfo } from "../contract/method.ts";
import { headersOf } from "../protocol/headers.ts";
import { previousAttemptsHeader } from "../resilience/retry.ts";

/** What requests of both kinds are made of, as interceptors see them. */
export function requestBase(
  method: DescMethod,
  header: HeadersInit | undefined,
  contextValues: ContextValues,
): {
  service: DescService;
  method: never;
  requestMethod: string;
  url: string;
  header: Headers;
  contextValues: ContextValues;
} {
  return {
    service: method.parent,
    // Connect's request types tie a method to its kind; the caller's `method` is that kind.
    method: method as never,
    requestMethod: "POST",
    url: `mesh:///${methodInfo(method).path}`,
    header: headersOf(header),
    contextValues,
  };
}

/** The headers of an attempt, which tell how many there were before it (gRFC A6). */
export function repetitionHeader(header: Headers, previous: number): Headers {
  if (previous === 0) return header;
  const own = new Headers(header);
  own.set(previousAttemptsHeader, `${previous}`);
  return own;
}
