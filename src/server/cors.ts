import { cors as connectHeaders } from "@connectrpc/connect";
import { configurationError } from "../error.ts";
import type { NodeRequest, NodeResponse } from "../protocol/node-handler.ts";

/** Which pages of other origins may call, and with what (Fetch standard, "CORS protocol"). */
export interface CorsOptions {
  /**
   * Origins of the pages: `https://app.example.com`, with the port if it is not
   * the scheme's own, or a function that decides about one. Default `"*"`: all.
   */
  readonly origins?: "*" | readonly string[] | ((origin: string) => boolean) | undefined;
  /**
   * Whether browsers send cookies and client certificates along. Needs `origins`
   * other than `"*"`. Default false.
   */
  readonly credentials?: boolean | undefined;
  /** Headers that pages may send besides those of the protocols, such as `authorization`. Default none. */
  readonly allowedHeaders?: readonly string[] | undefined;
  /**
   * Headers of answers that pages may read besides those of the protocols, and
   * trailers, which unary calls of the Connect protocol bring as headers. Default none.
   */
  readonly exposedHeaders?: readonly string[] | undefined;
  /** How long a browser may remember what it was allowed, in milliseconds. Default 2 hours, the most of Chromium. */
  readonly maxAgeMs?: number | undefined;
}

const defaultMaxAgeMs = 7_200_000;

/** What deadlines of REST calls add to the headers of the protocols. */
const restHeaders: readonly string[] = ["X-Server-Timeout"];

/** Answers the questions of browsers about pages of other origins. */
export class Cors {
  readonly #allows: (origin: string) => boolean;
  /** Whether the answer is the same for every origin. */
  readonly #any: boolean;
  readonly #credentials: boolean;
  readonly #allowedHeaders: string;
  readonly #exposedHeaders: string;
  readonly #maxAge: string;

  /** Throws a configuration error for what browsers would not accept. */
  constructor(options: CorsOptions = {}) {
    const { origins = "*", allowedHeaders = [], exposedHeaders = [] } = options;
    const { credentials = false, maxAgeMs = defaultMaxAgeMs } = options;
    if (credentials && origins === "*") {
      throw configurationError("cors.credentials is for certain origins only; name them in cors.origins");
    }
    this.#any = origins === "*";
    this.#allows = originTest(origins);
    this.#credentials = credentials;
    this.#allowedHeaders = [...connectHeaders.allowedHeaders, ...restHeaders, ...allowedHeaders].join(", ");
    const trailers = exposedHeaders.map((name) => `Trailer-${name}`);
    this.#exposedHeaders = [...connectHeaders.exposedHeaders, ...exposedHeaders, ...trailers].join(", ");
    this.#maxAge = String(Math.floor(maxAgeMs / 1_000));
  }

  /** Gives an answer the headers with which a page may read it. Nothing is written yet. */
  mark(req: NodeRequest, res: NodeResponse): void {
    if (this.#admit(req, res)) res.setHeader("access-control-expose-headers", this.#exposedHeaders);
  }

  /**
   * Answers a preflight: the question of a browser whether a page may make a
   * request. Returns false, with nothing done, when the request is none.
   *
   * @param methods HTTP methods that the path takes
   */
  preflight(req: NodeRequest, res: NodeResponse, methods: readonly string[]): boolean {
    if (requestedMethod(req) === undefined) return false;
    if (this.#admit(req, res)) {
      res.setHeader("access-control-allow-methods", methods.join(", "));
      res.setHeader("access-control-allow-headers", this.#allowedHeaders);
      res.setHeader("access-control-max-age", this.#maxAge);
    }
    // Also for other origins: without the headers above, the browser does not go on.
    res.statusCode = 204;
    res.end();
    return true;
  }

  #admit({ headers }: NodeRequest, res: NodeResponse): boolean {
    // Caches must know it even if this one comes without an origin.
    if (!this.#any) addVary(res);
    const { origin } = headers;
    if (origin === undefined || !this.#allows(origin)) return false;
    res.setHeader("access-control-allow-origin", this.#any ? "*" : origin);
    if (this.#credentials) res.setHeader("access-control-allow-credentials", "true");
    return true;
  }
}

/** The HTTP method that a preflight asks for; undefined when the request is no preflight. */
export function requestedMethod({ method, headers }: NodeRequest): string | undefined {
  const requested = headers["access-control-request-method"];
  return method === "OPTIONS" && headers.origin !== undefined ? requested : undefined;
}

function originTest(origins: NonNullable<CorsOptions["origins"]>): (origin: string) => boolean {
  if (typeof origins === "function") return origins;
  if (typeof origins === "string") return () => true;
  for (const origin of origins) {
    if (isOrigin(origin)) continue;
    throw configurationError(
      `cors.origins has "${origin}", which is no origin; give scheme, host and, if it is not the scheme's own, port`,
    );
  }
  const known = new Set(origins);
  return (origin) => known.has(origin);
}

/** Whether a browser would send this as an origin: what browsers write otherwise would never match. */
function isOrigin(text: string): boolean {
  if (!URL.canParse(text) || !/^[^/]+:\/\/[^\s/?#@*]+$/.test(text)) return false;
  const { origin } = new URL(text);
  // Schemes that are not the web's have no origin to compare with.
  return origin === "null" || origin === text;
}

function addVary(res: NodeResponse): void {
  const vary = res.getHeader("vary");
  if (vary === undefined) res.setHeader("vary", "origin");
  else if (!/(^|[\s,])origin($|[\s,])/i.test(String(vary))) res.setHeader("vary", `${String(vary)}, origin`);
}
