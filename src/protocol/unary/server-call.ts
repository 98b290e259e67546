import type { IncomingHttpHeaders } from "node:http";
import type { Message } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { hastyMs } from "../inbound.ts";
import type { Inbound } from "../inbound.ts";
import { boundTimeout } from "../timeout.ts";
import { uploadTimedOut } from "../upload.ts";
import { wireError } from "../wire-error.ts";
import { tooLarge } from "./body.ts";
import { CallContext } from "./call-context.ts";
import type { ContextSource } from "./call-context.ts";
import type { UnaryAnswer, UnaryForm, UnaryMethod } from "./form.ts";
import type { RunningCall } from "./running-calls.ts";

/** The two ends of a request on its connection. */
export interface UnaryExchange {
  readonly headers: IncomingHttpHeaders;
  readonly requestMethod: string;
  /** Path and query as they came. */
  readonly target: string;
  /** The connection that it came by. */
  readonly inbound: Inbound;
  /** The request's headers, made anew. */
  webHeaders(): Headers;
  url(): string;
  /** Tells the call how the exchange goes on, from now to its end. */
  follow(call: UnaryCall): void;
  /** Reads the body, up to a size in bytes; tells the call when it is complete or too large. */
  read(maxBytes: number): void;
  /** Writes the answer. Called once at most. */
  write(answer: UnaryAnswer): void;
  /** Ends the exchange without an answer. */
  break(): void;
  /** The answer should have been read by now: ends the exchange as soon as nobody reads on. */
  overdue(): void;
}

/**
 * One unary call on a server, from its headers to its answer: what Connect's
 * handlers do with pipelines, for a request whose message and answer are one
 * piece each. The first of answer, deadline, stop and lost caller settles it;
 * the implementation hears of the others by its signal.
 */
export class UnaryCall implements RunningCall, ContextSource {
  previous: RunningCall | undefined;
  next: RunningCall | undefined;
  readonly #method: UnaryMethod;
  readonly #form: UnaryForm;
  readonly #exchange: UnaryExchange;
  readonly #context: CallContext;
  readonly #timeoutMs: number | undefined;
  readonly #timer: NodeJS.Timeout | undefined;
  #arrived = false;
  #settled = false;
  /** When the implementation got its place: 0 when nobody wants to know, -1 while it has none. */
  #enteredMs = -1;
  #abandoned = false;

  /** @param askedMs the deadline that the request brings, in milliseconds; -1 for none */
  constructor(method: UnaryMethod, form: UnaryForm, exchange: UnaryExchange, askedMs: number) {
    this.#method = method;
    this.#form = form;
    this.#exchange = exchange;
    const { defaultMs, maxMs } = method.bounds;
    const timeoutMs = askedMs === -1 ? defaultMs : Math.min(askedMs, maxMs);
    this.#timeoutMs = timeoutMs;
    this.#context = new CallContext({
      method: method.method,
      protocolName: form.protocolName,
      requestMethod: exchange.requestMethod,
      source: this,
      timeoutMs,
      answerHeader: form.answerHeader,
      prepare: method.guard?.prepare,
    });
    this.#timer = timeoutMs === undefined ? undefined : setTimeout(expire, timeoutMs, this);
    method.running.add(this);
  }

  /** Reads the request, once its gate has let it through. */
  begin(): void {
    const { gate } = this.#method;
    this.#exchange.follow(this);
    if (gate === undefined) {
      this.#read();
      return;
    }
    void this.#admit(gate);
  }

  /** The body is complete. */
  received(body: Uint8Array): void {
    if (this.#settled) return;
    this.#arrived = true;
    try {
      const message = this.#form.decode(body, this.#exchange.target);
      this.#method.guard?.admit();
      const { places } = this.#method;
      if (places !== undefined) {
        places.enter(this.#exchange.inbound);
        this.#enteredMs = places.timed ? performance.now() : 0;
      }
      const answer = this.#method.invoke(message, this.#context);
      if (answer instanceof Promise) {
        answer.then(this.#succeeded, this.#failed);
        return;
      }
      this.#leave();
      this.#succeed(answer);
    } catch (error) {
      this.#leave();
      this.fail(error);
    }
  }

  /**
   * The body is too large.
   *
   * @param size its length in bytes, when that is known
   */
  overflowed(size?: number): void {
    const { maxBytes, overheadBytes } = this.#form;
    this.fail(tooLarge(maxBytes, size === undefined ? undefined : size - overheadBytes));
  }

  fail(error: unknown): void {
    if (this.#settled) return;
    const { guard, method } = this.#method;
    const reported = guard === undefined ? wireError(error) : guard.report(error, method);
    this.#settle(reported);
    this.#write(this.#form.failure(reported, this.#context));
  }

  /**
   * The exchange is over, answered or not. Returns whether the caller gave the
   * call up although it had hardly begun.
   */
  gone(cause?: unknown): boolean {
    clearTimeout(this.#timer);
    if (this.#settled) return false;
    this.#abandoned = true;
    if (this.#enteredMs !== -1) this.#exchange.inbound.left++;
    const leftMs = this.#context.timeoutMs();
    this.#settle(
      new ConnectError("the caller ended the call before it was answered", Code.Canceled, undefined, undefined, cause),
    );
    const timeoutMs = this.#timeoutMs ?? Infinity;
    // A caller's own deadline is no hurry.
    return timeoutMs - (leftMs ?? 0) < Math.min(hastyMs, timeoutMs * 0.9);
  }

  /** The deadline has come, whatever the implementation does, or whether or not the answer has been read. */
  expired(): void {
    if (!this.#settled) {
      this.fail(
        this.#arrived
          ? new ConnectError("the operation timed out", Code.DeadlineExceeded)
          : uploadTimedOut(this.#timeoutMs),
      );
    }
    this.#exchange.overdue();
  }

  header(): Headers {
    const header = this.#exchange.webHeaders();
    boundTimeout(header, this.#method.bounds);
    return header;
  }

  url(): string {
    return this.#exchange.url();
  }

  /** Made when an implementation takes its time. */
  get #succeeded(): (message: Message) => void {
    return (message) => {
      this.#leave();
      this.#succeed(message);
    };
  }

  get #failed(): (error: unknown) => void {
    return (error) => {
      this.#leave();
      this.fail(error);
    };
  }

  /** The implementation is done: its place is free. */
  #leave(): void {
    const enteredMs = this.#enteredMs;
    if (enteredMs === -1) return;
    this.#enteredMs = -1;
    if (this.#abandoned) this.#exchange.inbound.left--;
    const tookMs = enteredMs === 0 || this.#abandoned ? undefined : performance.now() - enteredMs;
    this.#method.places?.leave(this.#exchange.inbound, tookMs);
  }

  #succeed(message: Message): void {
    if (this.#settled) return;
    try {
      const answer = this.#form.success(message, this.#context, this.#exchange.headers);
      if (answer instanceof Promise) {
        answer.then((ready) => {
          if (this.#settled) return;
          this.#settle();
          this.#write(ready);
        }, this.#failed);
        return;
      }
      this.#settle();
      this.#write(answer);
    } catch (error) {
      this.fail(error);
    }
  }

  async #admit(gate: NonNullable<UnaryMethod["gate"]>): Promise<void> {
    try {
      await gate(this.#context);
    } catch (error) {
      this.fail(error);
      return;
    }
    if (!this.#settled) this.#read();
  }

  #read(): void {
    this.#exchange.read(this.#form.maxBytes + this.#form.overheadBytes);
  }

  #settle(reason?: unknown): void {
    // The timer goes on until the answer has been read.
    this.#settled = true;
    this.#method.running.delete(this);
    this.#context.end(reason);
  }

  #write(answer: UnaryAnswer): void {
    try {
      this.#exchange.write(answer);
    } catch {
      // A header that cannot be sent, or a connection that is gone.
      this.#exchange.break();
    }
  }
}

function expire(call: UnaryCall): void {
  call.expired();
}
