import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { createContextValues } from "@connectrpc/connect";
import type { ContextValues, HandlerContext } from "@connectrpc/connect";

/** Where a context gets what it is asked for: the wire that the call came by. */
export interface ContextSource {
  /** The request's headers. Called once at most. */
  header(): Headers;
  /** The request's URL. */
  url(): string;
}

/** What a context starts with. */
export interface ContextInit {
  readonly method: DescMethod;
  readonly protocolName: string;
  readonly requestMethod: string;
  readonly source: ContextSource;
  /** Deadline of the call in milliseconds from now; undefined for none. */
  readonly timeoutMs: number | undefined;
  /** What the answer's headers are at first. */
  readonly answerHeader: Readonly<Record<string, string>>;
  /** Fills the context values of a call when somebody asks for them. */
  readonly prepare?: ((values: ContextValues) => void) | undefined;
}

/** The reason of signals that abort after their call: made once, since it collects a stack. */
const over = new DOMException("This operation was aborted", "AbortError");

/**
 * Connect's `HandlerContext` that makes its parts when they are asked for: most
 * implementations look at none of the headers, the signal or the values.
 */
export class CallContext implements HandlerContext {
  readonly method: DescMethod;
  readonly protocolName: string;
  readonly requestMethod: string;
  readonly #source: ContextSource;
  readonly #endMs: number;
  readonly #answerHeader: Readonly<Record<string, string>>;
  readonly #prepare: ((values: ContextValues) => void) | undefined;
  #requestHeader: Headers | undefined;
  #responseHeader: Headers | undefined;
  #responseTrailer: Headers | undefined;
  #values: ContextValues | undefined;
  #controller: AbortController | undefined;
  #signal: AbortSignal | undefined;
  #ended = false;
  #reason: unknown;

  constructor(init: ContextInit) {
    const { timeoutMs } = init;
    this.method = init.method;
    this.protocolName = init.protocolName;
    this.requestMethod = init.requestMethod;
    this.#source = init.source;
    this.#endMs = timeoutMs === undefined ? Number.NaN : performance.now() + timeoutMs;
    this.#answerHeader = init.answerHeader;
    this.#prepare = init.prepare;
  }

  get service(): DescService {
    return this.method.parent;
  }

  get url(): string {
    return this.#source.url();
  }

  get requestHeader(): Headers {
    return (this.#requestHeader ??= this.#source.header());
  }

  get responseHeader(): Headers {
    return (this.#responseHeader ??= new Headers(this.#answerHeader));
  }

  get responseTrailer(): Headers {
    return (this.#responseTrailer ??= new Headers());
  }

  get values(): ContextValues {
    if (this.#values === undefined) {
      this.#values = createContextValues();
      this.#prepare?.(this.#values);
    }
    return this.#values;
  }

  get signal(): AbortSignal {
    return (this.#signal ??= this.#own());
  }

  /** A function of its own, since `HandlerContext` lets it be taken away from the context. */
  get timeoutMs(): () => number | undefined {
    const endMs = this.#endMs;
    return () => (Number.isNaN(endMs) ? undefined : endMs - performance.now());
  }

  /** Whether the call has ended as it should: nobody waits for anything that is still done for it. */
  get answered(): boolean {
    return this.#ended && this.#reason === over;
  }

  /** The answer's headers, if anybody has asked for them. */
  get header(): Headers | undefined {
    return this.#responseHeader;
  }

  /** The answer's trailers, if anybody has asked for them. */
  get trailer(): Headers | undefined {
    return this.#responseTrailer;
  }

  /** The answer's headers and trailers, as a caller in this process gets them. */
  webHeaders(): readonly [header: Headers, trailer: Headers] {
    return [this.responseHeader, this.responseTrailer];
  }

  /** Takes over what interceptors handed on instead of the call's own. */
  replace(requestHeader: Headers, signal: AbortSignal, values: ContextValues): void {
    this.#requestHeader = requestHeader;
    this.#signal = signal;
    this.#values = values;
  }

  /** Ends the call: its signal aborts if anybody has it, with that reason if there is one. */
  end(reason?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#reason = reason ?? over;
    this.#controller?.abort(this.#reason);
  }

  #own(): AbortSignal {
    this.#controller = new AbortController();
    if (this.#ended) this.#controller.abort(this.#reason);
    return this.#controller.signal;
  }
}
