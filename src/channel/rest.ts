import type { Registry } from "@bufbuild/protobuf";
import { restAddressTransport } from "../protocol/rest/address-transport.ts";
import { addressOf, interceptorsOf } from "./channel.ts";
import type { Channel, ChannelInit, HttpVersionInit } from "./channel.ts";

/** Options of {@link rest}. */
export interface RestChannelInit extends ChannelInit, HttpVersionInit {
  /**
   * Types that may stand in a `google.protobuf.Any`, and types of error details.
   * Default: those of `google.rpc` and of the contract's files.
   */
  readonly registry?: Registry | undefined;
}

/**
 * Plain HTTP and JSON by the `google.api.http` rules of the contract, as
 * browsers and curl call it. Only for methods that have a rule; a method that
 * streams in both directions has no place in REST.
 */
export function rest(init: RestChannelInit = {}): Channel {
  const interceptors = interceptorsOf("rest", init);
  return {
    name: "rest",
    connect: (instance, options) =>
      restAddressTransport(addressOf(instance, "rest"), {
        ...options,
        httpVersion: init.httpVersion ?? "2",
        interceptors,
        registry: init.registry,
        compression: init.compression,
        compressMinBytes: init.compressMinBytes,
      }),
  };
}
