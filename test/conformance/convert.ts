import { create, createRegistry } from "@bufbuild/protobuf";
import type { Registry } from "@bufbuild/protobuf";
import { AnySchema, anyUnpack } from "@bufbuild/protobuf/wkt";
import type { Any } from "@bufbuild/protobuf/wkt";
import { ConnectError } from "@connectrpc/connect";
import type { Code as WireCode } from "./gen/connectrpc/conformance/v1/config_pb.ts";
import {
  BidiStreamRequestSchema,
  ClientStreamRequestSchema,
  ConformancePayload_RequestInfoSchema,
  ErrorSchema,
  HeaderSchema,
  IdempotentUnaryRequestSchema,
  ServerStreamRequestSchema,
  UnaryRequestSchema,
} from "./gen/connectrpc/conformance/v1/service_pb.ts";
import type { Error as WireError, Header } from "./gen/connectrpc/conformance/v1/service_pb.ts";

/** Messages that the suite packs into `google.protobuf.Any`. */
export const registry: Registry = createRegistry(
  BidiStreamRequestSchema,
  ClientStreamRequestSchema,
  ConformancePayload_RequestInfoSchema,
  IdempotentUnaryRequestSchema,
  ServerStreamRequestSchema,
  UnaryRequestSchema,
);

/** Adds the suite's headers to web `Headers`. */
export function appendHeaders(to: Headers, from: readonly Header[]): void {
  for (const { name, value } of from) for (const item of value) to.append(name, item);
}

/** Web `Headers` as the suite writes them. */
export function wireHeaders(from: Headers): Header[] {
  const headers: Header[] = [];
  from.forEach((value, name) => {
    headers.push(create(HeaderSchema, { name, value: [value] }));
  });
  return headers;
}

/** The error that the suite describes. */
export function connectError({ code, message, details }: WireError): ConnectError {
  const unpacked = details.map((detail) => {
    const value = anyUnpack(detail, registry);
    const desc = value && registry.getMessage(value.$typeName);
    if (value === undefined || desc === undefined) throw new Error(`the suite has a detail of another type: ${detail.typeUrl}`);
    return { desc, value };
  });
  return new ConnectError(message ?? "", code as number, undefined, unpacked);
}

/**
 * An error as the suite writes it, with the details that came from the other
 * side. Those that the mesh adds on this side never were on a wire.
 */
export function wireError(error: ConnectError): WireError {
  const details: Any[] = [];
  for (const detail of error.details) {
    if ("desc" in detail) continue;
    const { type, value } = detail;
    details.push(create(AnySchema, { typeUrl: `type.googleapis.com/${type}`, value }));
  }
  return create(ErrorSchema, {
    code: error.code as number as WireCode,
    message: error.rawMessage,
    details,
  });
}

