import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";
import type { DescMethod, Message } from "@bufbuild/protobuf";
import type { ConnectError, ContextValues } from "@connectrpc/connect";
import type { RequestGate } from "../hosted.ts";
import type { TimeoutBounds } from "../timeout.ts";
import type { CallContext } from "./call-context.ts";
import type { Invoke } from "./invoke.ts";
import type { Places, RunningCalls } from "./running-calls.ts";

/** An answer, ready to be written. */
export interface UnaryAnswer {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Uint8Array | undefined;
  /** Only wires whose HTTP has trailers have them. */
  readonly trailers?: OutgoingHttpHeaders | undefined;
}

/** How one wire, with one codec, reads and answers the calls of one method. */
export interface UnaryForm {
  /** Name of the protocol, as handlers see it. */
  readonly protocolName: string;
  /** What an answer's headers are at first, when a handler looks at them. */
  readonly answerHeader: Readonly<Record<string, string>>;
  /** Whether its answers have trailers, which only HTTP/2 brings to everybody. */
  readonly needsHttp2?: boolean | undefined;
  /** Largest message that is read, in bytes. */
  readonly maxBytes: number;
  /** What a body has besides its message, in bytes. */
  readonly overheadBytes: number;
  /**
   * Looks at the headers of a request: undefined when it wants something that
   * only the general way can do, else its deadline in milliseconds, or -1 when
   * it brings none.
   */
  admit(headers: IncomingHttpHeaders): number | undefined;
  /** Reads the message of a complete body, and of path and query as they came. Throws an error with a code. */
  decode(body: Uint8Array, target: string): Message;
  /** Writes an answer. Throws an error with a code when that cannot be done. */
  success(message: Message, context: CallContext, headers: IncomingHttpHeaders): UnaryAnswer | Promise<UnaryAnswer>;
  /** Writes an error. */
  failure(error: ConnectError, context: CallContext): UnaryAnswer;
}

/** What goes around each call of a component, before its own interceptors. */
export interface CallGuard {
  /** Throws while the component takes no calls. */
  admit(): void;
  /** Fills the context values of a call. */
  readonly prepare: (values: ContextValues) => void;
  /** The error that the caller gets; publishes what it must not see. */
  report(error: unknown, method: DescMethod): ConnectError;
}

/** A unary method as every wire calls it. */
export interface UnaryMethod {
  readonly method: DescMethod;
  readonly invoke: Invoke;
  readonly gate: RequestGate | undefined;
  readonly guard: CallGuard | undefined;
  readonly bounds: TimeoutBounds;
  /** The calls of this process that are running, which a stop ends. */
  readonly running: RunningCalls;
  /** Bounds how many calls run at the same time; undefined for methods that always answer. */
  readonly places: Places | undefined;
}
