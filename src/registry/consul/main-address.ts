import type { Instance } from "../../contract/instance.ts";

/** The address that goes into Consul's own fields. */
export interface MainAddress {
  /** As written in a URL: IPv6 in brackets. */
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
  /** As it stands in the instance. */
  readonly text: string;
}

/** The first address of the form `http(s)://host:port`: the one that most channels share. */
export function mainAddress(of: Instance): MainAddress | undefined {
  for (const text of Object.values(of.channels)) {
    const [, scheme, host, port] =
      /^(https?):\/\/(\[[0-9A-Fa-f:.]+\]|[^:/?#@[\]]+):(\d+)$/.exec(text) ?? [];
    if (host === undefined) continue;
    return { host, port: Number(port), secure: scheme === "https", text };
  }
  return undefined;
}
