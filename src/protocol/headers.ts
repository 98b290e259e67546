import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";
import { Code, ConnectError } from "@connectrpc/connect";
import { errorText } from "../error.ts";
import { local } from "./progress.ts";

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
  const set = own instanceof Headers ? own : headersOf(own);
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

/** New headers of what a caller set. Throws `invalid_argument`, as a failure of this side, for what HTTP cannot carry. */
export function headersOf(own: HeadersInit | undefined): Headers {
  try {
    return new Headers(own);
  } catch (error) {
    throw local(new ConnectError(unsendable(own, errorText(error)), Code.InvalidArgument, undefined, undefined, error));
  }
}

/** Which header cannot be sent, and what to do about it. */
function unsendable(own: HeadersInit | undefined, why: string): string {
  for (const [name = "", value = ""] of entriesOf(own)) {
    if (!isSendable(name, "")) {
      return `the header ${JSON.stringify(name)} cannot be sent: names of headers have letters, digits and a few signs such as "-"`;
    }
    if (isSendable(name, value)) continue;
    return (
      `the header ${JSON.stringify(name)} cannot be sent: its value has line breaks or characters beyond U+00FF; ` +
      'encode it, as encodeURIComponent does, or send bytes as base64 in a header whose name ends in "-bin"'
    );
  }
  return `the headers of the call cannot be sent: ${why}`;
}

function entriesOf(own: HeadersInit = {}): readonly (readonly string[])[] {
  return Symbol.iterator in own ? Array.from(own as Iterable<readonly string[]>) : Object.entries(own);
}

function isSendable(name: string, value: string): boolean {
  try {
    return new Headers([[name, value]]).has(name);
  } catch {
    return false;
  }
}
