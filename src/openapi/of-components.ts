import type { DescMethod, DescService } from "@bufbuild/protobuf";
import type { Codec } from "../codec/codec.ts";
import type { Component } from "../component/component.ts";
import type { OpenApiOptions } from "./options.ts";

/** What {@link openapi} needs for the components of a process. */
export interface ComponentsDocument {
  readonly services: readonly DescService[];
  readonly options: OpenApiOptions;
}

/**
 * The services of components, and options that fill in what components know:
 * the title and version, and which wires and formats they offer. What the user
 * has set stays.
 *
 * @param codecs formats that the Connect protocol understands
 */
export function ofComponents(
  components: readonly Component[],
  codecs: readonly Codec[],
  options: OpenApiOptions,
): ComponentsDocument {
  const channels = new Map<string, readonly string[]>(
    components.flatMap((of) => of.services.map(({ service }) => [service.typeName, of.channels])),
  );
  const offered = ({ parent }: DescMethod): readonly string[] => channels.get(parent.typeName) ?? [];
  const versions = new Set(components.map(({ version }) => version));
  const [version = "0.0.0", another] = versions;
  // Bodies in protobuf's binary form are nothing that OpenAPI can describe.
  const described = codecs.filter(({ type }) => type !== "proto");
  return {
    services: components.flatMap(({ services }) => services.map(({ service }) => service)),
    options: {
      ...options,
      info: {
        title: components.map(({ name }) => name).join(", "),
        version: another === undefined ? version : "0.0.0",
        ...options.info,
      },
      connectTypes:
        options.connectTypes ??
        ((method) => described.filter(({ name }) => offered(method).includes(name)).map(({ type }) => type)),
      include: (method, wire) =>
        (wire === "connect" || offered(method).includes("rest")) && (options.include?.(method, wire) ?? true),
    },
  };
}
