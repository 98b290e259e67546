import type { DescMessage, DescMethod } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel as Level } from "@bufbuild/protobuf/wkt";
import type { MethodImplSpec } from "@connectrpc/connect";
import { contentTypeMatcher, createMethodUrl } from "@connectrpc/connect/protocol";
import type { ProtocolHandlerFactory, UniversalHandler } from "@connectrpc/connect/protocol";
import type { Codec } from "../../codec/codec.ts";
import { streamType, typePattern, unaryType } from "./content-type.ts";
import { methodCodec } from "./method-codec.ts";
import type { MethodCodec } from "./method-codec.ts";
import type { CodecLookup, ConnectServerOptions } from "./server-call.ts";
import { streamHandler } from "./server-stream.ts";
import { unaryHandler } from "./server-unary.ts";

/**
 * The Connect protocol over any codec (connectrpc.com/docs/protocol): one
 * factory for what upstream splits into a flag for protobuf or JSON. Errors and
 * ends of streams are JSON whatever the codec.
 */
export function connectHandlers(options: ConnectServerOptions): ProtocolHandlerFactory {
  const factory = (spec: MethodImplSpec): UniversalHandler => {
    const unary = spec.kind === "unary";
    const form = unary ? unaryType : streamType;
    const codecs = lazyCodecs(options, spec.method);
    const get = unary && spec.method.idempotency === Level.NO_SIDE_EFFECTS;
    const handle = unary
      ? unaryHandler(spec, codecs, options, get)
      : streamHandler(spec, codecs, options);
    return Object.assign(handle, {
      protocolNames: ["connect"],
      supportedContentType: contentTypeMatcher(
        ...options.codecs.map((codec) => typePattern(codec, form)),
      ),
      allowedMethods: get ? ["POST", "GET"] : ["POST"],
      requestPath: createMethodUrl("/", spec.method),
      service: spec.method.parent,
      method: spec.method,
    });
  };
  factory.protocolName = "connect";
  return factory;
}

function lazyCodecs(options: ConnectServerOptions, method: DescMethod): CodecLookup {
  const compiled = new Map<Codec, MethodCodec<DescMessage, DescMessage>>();
  return (find) => {
    const codec = find(options.codecs);
    if (codec === undefined) return undefined;
    let ready = compiled.get(codec);
    if (ready === undefined) {
      ready = methodCodec(codec, method, options);
      compiled.set(codec, ready);
    }
    return ready;
  };
}
