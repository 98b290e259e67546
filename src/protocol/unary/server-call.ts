import type { IncomingHttpHeaders } from "node:http";
import type { Message } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
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
}

/**
 * One unary call on a server, from its headers to its answer: what Connect's
 * handlers do with pipelines, for a request whose message and answer are one
 * piece each. The first of answer, deadline, stop and lost caller settles it;
 * the implementation hears of the others by its signal.
 */
export class UnaryCall implements RunningCall, ContextSource {
  readonly #method: UnaryMethod;
  readonly #form: UnaryForm;
  readonly #exchange: UnaryExchange;
  readonly #context: CallContext;
  readonly #timeoutMs: number | undefined;
  readonly #timer: NodeJS.Timeout | undefined;
  #arrived = false;
  #settled = false;

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
      const answer = this.#method.invoke(message, this.#context);
      if (answer instanceof Promise) answer.then(this.#succeeded, this.#failed);
      else this.#succeed(answer);
    } catch (error) {
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

  /** The caller has gone: there is nobody to answer. */
  gone(cause?: unknown): void {
    if (this.#settled) return;
    this.#settle(
      new ConnectError("the caller ended the call before it was answered", Code.Canceled, undefined, undefined, cause),
    );
  }

  /** The deadline has come, whatever the implementation does. */
  expired(): void {
    this.fail(
      this.#arrived
        ? new ConnectError("the operation timed out", Code.DeadlineExceeded)
        : uploadTimedOut(this.#timeoutMs),
    );
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
      this.#succeed(message);
    };
  }

  get #failed(): (error: unknown) => void {
    return (error) => {
      this.fail(error);
    };
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
    this.#settled = true;
    clearTimeout(this.#timer);
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
