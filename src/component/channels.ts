import { configurationError } from "../error.ts";
import { restBindings } from "../protocol/rest/rule.ts";
import type { Binding } from "./implement.ts";

/** Names of the channels that a component offers unless told otherwise; `rest` comes with `google.api.http` rules. */
export const defaultChannels: readonly string[] = [
  "protobuf",
  "json",
  "msgpack",
  "grpc",
  "grpc-web",
];

/**
 * The channels of a component: those that it names, else the defaults, and
 * `rest` when a method has a `google.api.http` rule. The rules are read where
 * `rest` is offered: a wrong one is a configuration error, and so are an empty
 * list and `rest` without any rule.
 */
export function offeredChannels(
  component: string,
  services: readonly Binding[],
  given: readonly string[] | undefined,
): readonly string[] {
  if (given?.length === 0) {
    throw configurationError(`component ${component} offers no channel; leave channels out for the defaults`, {
      component,
    });
  }
  if (given?.includes("rest") === false) return given;
  const methods = services.flatMap(({ service }) => service.methods);
  // All of them, so that every rule is read.
  const withRules = methods.filter((method) => restBindings(method).length > 0);
  if (given === undefined) return withRules.length > 0 ? [...defaultChannels, "rest"] : defaultChannels;
  if (withRules.length > 0) return given;
  throw configurationError(
    `component ${component} offers the channel rest, but none of its methods has a google.api.http rule; ` +
      "add rules to the contract, or leave rest out of channels",
    { component },
  );
}
