/** How the messages of a server stream are written one after the other. */
export interface StreamFormat {
  readonly contentType: string;
  /** One message, given its JSON. */
  message(json: string): string;
  /** The error that ends the stream, given the JSON of its `google.rpc.Status`. */
  error(json: string): string;
}

/** Lines of `{"result":…}`, and `{"error":…}` as the last one, as grpc-gateway writes them. */
export const ndjson: StreamFormat = {
  contentType: "application/x-ndjson",
  message: (json) => `{"result":${json}}\n`,
  error: (json) => `{"error":${json}}\n`,
};

/** Server-sent events (html.spec.whatwg.org, "Server-sent events"): a message each, and the event `error`. */
export const sse: StreamFormat = {
  contentType: "text/event-stream",
  message: (json) => `data: ${json}\n\n`,
  error: (json) => `event: error\ndata: ${json}\n\n`,
};

/** The format that a caller wants: events when it asks for them and not for lines. */
export function formatFor(accept: string | null): StreamFormat {
  const types = (accept ?? "")
    .toLowerCase()
    .split(",")
    .map((range) => range.split(";").map((part) => part.trim()))
    .filter(([, ...parameters]) => !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter)))
    .map(([type]) => type);
  return types.includes(sse.contentType) && !types.includes(ndjson.contentType) ? sse : ndjson;
}
