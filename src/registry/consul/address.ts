import { configurationError } from "../../error.ts";

/** Where the Consul agent listens. */
export type Endpoint = (
  | { readonly host: string; readonly port: number }
  | { readonly socketPath: string }
) & { readonly secure: boolean };

/**
 * Reads the address of an agent: `http://host:port`, `https://host:port`,
 * `host:port` (as in `CONSUL_HTTP_ADDR`) or `unix:/path`. Throws
 * `invalid_argument` for anything else.
 */
export function endpoint(address: string): Endpoint {
  if (address.startsWith("unix:")) {
    const socketPath = address.replace(/^unix:(\/\/)?/, "");
    if (socketPath.startsWith("/")) return { socketPath, secure: false };
    throw wrong(address);
  }
  const text = address.includes("://") ? address : `http://${address}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) throw wrong(address);
  // Anything beyond host and port would be dropped silently.
  if (url.pathname !== "/" || url.search !== "" || url.username !== "") throw wrong(address);
  const secure = url.protocol === "https:";
  return {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? (secure ? 443 : 80) : Number(url.port),
    secure,
  };
}

function wrong(address: string): Error {
  return configurationError(
    `consul: address "${address}" is not http://host:port, https://host:port or unix:/path`,
  );
}
