import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";

/** Node's headers as web `Headers`, without HTTP/2's pseudo-headers. */
export function toWebHeaders(from: IncomingHttpHeaders): Headers {
  const headers = new Headers();
  for (const name in from) {
    if (name.startsWith(":")) continue;
    const value = from[name];
    if (typeof value === "string") headers.append(name, value);
    else if (value !== undefined) for (const item of value) headers.append(name, item);
  }
  return headers;
}

/** Web `Headers` as an object for Node; repeated `set-cookie` stays repeated. */
export function toNodeHeaders(from: Headers | undefined): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = {};
  from?.forEach((value, name) => {
    headers[name] = name === "set-cookie" ? from.getSetCookie() : value;
  });
  return headers;
}
