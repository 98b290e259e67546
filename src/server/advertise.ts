import { networkInterfaces } from "node:os";
import type { AddressInfo } from "node:net";
import { configurationError } from "../error.ts";
import type { ListenOptions } from "./options.ts";

/**
 * The address that others use to reach what is bound here: the advertised host
 * and port where they are set, else those that are bound. A wildcard host
 * stands for the machine's first address that is not its own loopback.
 *
 * @param secure whether TLS is spoken there
 */
export function advertisedAddress(
  bound: AddressInfo | string,
  advertise: ListenOptions["advertise"] = {},
  secure: boolean = false,
): string {
  if (typeof bound === "string") return `unix:${bound}`;
  const host = advertise.host ?? (isWildcard(bound.address) ? ownAddress() : bound.address);
  const bracketed = host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
  return `${secure ? "https" : "http"}://${bracketed}:${advertise.port ?? bound.port}`;
}

function isWildcard(address: string): boolean {
  return address === "0.0.0.0" || address === "::";
}

function ownAddress(): string {
  for (const addresses of Object.values(networkInterfaces())) {
    for (const { internal, family, address } of addresses ?? []) {
      if (!internal && family === "IPv4") return address;
    }
  }
  throw configurationError(
    "this machine has no address that others can reach; set listen.advertise.host",
  );
}
