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

/** Web `Headers` as a list of names and values in turn. */
export function toHeaderList(from: Headers): string[] {
  const list: string[] = [];
  from.forEach((value, name) => list.push(name, value));
  return list;
}

/** Adds web `Headers`, if there are any, to an object for Node, each name behind a prefix. */
export function addHeaders(to: OutgoingHttpHeaders, from: Headers | undefined, prefix: string): void {
  from?.forEach((value, name) => {
    to[`${prefix}${name}`] = name === "set-cookie" && prefix === "" ? from.getSetCookie() : value;
  });
}

/** Makes headers equal to others. */
export function replaceHeaders(own: Headers, other: Headers): void {
  if (own === other) return;
  const names = Array.from(own.keys());
  for (const name of names) own.delete(name);
  other.forEach((value, name) => {
    own.set(name, value);
  });
}

/**
 * Adds what a caller set to the headers of its request, a list of names and
 * values in turn, except for what the protocol sets itself.
 */
export function addOwnHeaders(to: string[], own: HeadersInit): void {
  const set = own instanceof Headers ? own : new Headers(own);
  set.forEach((value, name) => {
    const at = indexOfName(to, name);
    if (at === -1) to.push(name, value);
    else if (name === "user-agent") to[at + 1] = value;
  });
}

/** Where a name is in a list of names and values in turn, or -1. */
export function indexOfName(list: readonly string[], name: string): number {
  for (let at = 0; at < list.length; at += 2) if (list[at] === name) return at;
  return -1;
}
