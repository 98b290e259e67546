import { create } from "@bufbuild/protobuf";
import type { DescMessage, DescMethodUnary, Message, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { UnaryResponse } from "@connectrpc/connect";
import { headersOf } from "../headers.ts";
import { wireError } from "../wire-error.ts";
import { CallContext } from "./call-context.ts";
import type { ContextSource } from "./call-context.ts";
import type { UnaryMethod } from "./form.ts";
import { LazyResponse } from "./response.ts";
import type { RunningCall } from "./running-calls.ts";

/** How a caller wants one call made. */
export interface LocalCallInit {
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number | undefined;
  readonly header: HeadersInit | undefined;
}

/**
 * A unary call into this process: the same steps as over a wire, without the
 * wire. Its answer is a promise that deadline, stop and the caller's signal can
 * settle before the implementation does.
 */
class LocalCall<I extends DescMessage, O extends DescMessage> implements RunningCall, ContextSource {
  previous: RunningCall | undefined;
  next: RunningCall | undefined;
  readonly #of: UnaryMethod;
  readonly #method: DescMethodUnary<I, O>;
  readonly #init: LocalCallInit;
  readonly #context: CallContext;
  readonly #resolve: (answer: UnaryResponse<I, O>) => void;
  readonly #reject: (error: ConnectError) => void;
  #timer: NodeJS.Timeout | undefined;
  #unwatch: (() => void) | undefined;
  #settled = false;
  /** When the implementation got its place: 0 when nobody wants to know, -1 while it has none. */
  #enteredMs = -1;

  constructor(
    of: UnaryMethod,
    method: DescMethodUnary<I, O>,
    init: LocalCallInit,
    resolve: (answer: UnaryResponse<I, O>) => void,
    reject: (error: ConnectError) => void,
  ) {
    this.#of = of;
    this.#method = method;
    this.#init = init;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#context = new CallContext({
      method,
      protocolName: "local",
      requestMethod: "POST",
      source: this,
      timeoutMs: init.timeoutMs,
      answerHeader: nothing,
      prepare: of.guard?.prepare,
    });
    of.running.add(this);
  }

  begin(message: Message): void {
    const { signal } = this.#init;
    if (signal !== undefined) this.#watch(signal);
    const { gate } = this.#of;
    if (gate === undefined) this.#invoke(message);
    else void this.#admit(gate, message);
  }

  fail(error: unknown): void {
    if (this.#settled) return;
    const { guard } = this.#of;
    const reported = guard === undefined ? wireError(error) : guard.report(error, this.#method);
    this.#settle(reported);
    this.#reject(received(reported, this.#context));
  }

  /** Its caller waits no longer: that is no answer, and so reads as the caller's own error. */
  leave(reason: ConnectError): void {
    if (this.#settled) return;
    this.#settle(reason);
    this.#reject(reason);
  }

  header(): Headers {
    return headersOf(this.#init.header);
  }

  url(): string {
    return `local:///${this.#method.parent.typeName}/${this.#method.name}`;
  }

  #succeed(message: Message): void {
    if (this.#settled) return;
    this.#settle();
    this.#resolve(new LazyResponse(this.#method, message as MessageShape<O>, this.#context));
  }

  /** Watches the caller's signal. */
  #watch(signal: AbortSignal): void {
    const aborted = (): void => {
      this.leave(ConnectError.from(signal.reason, Code.Canceled));
    };
    if (signal.aborted) {
      aborted();
      return;
    }
    signal.addEventListener("abort", aborted, { once: true });
    this.#unwatch = (): void => {
      signal.removeEventListener("abort", aborted);
    };
  }

  async #admit(gate: NonNullable<UnaryMethod["gate"]>, message: Message): Promise<void> {
    try {
      this.#wait();
      await gate(this.#context);
      if (!this.#settled) this.#invoke(message);
    } catch (error) {
      this.fail(error);
    }
  }

  #invoke(message: Message): void {
    if (this.#settled) return;
    try {
      this.#of.guard?.admit();
      const { places } = this.#of;
      if (places !== undefined) {
        places.enter(undefined);
        this.#enteredMs = places.timed ? performance.now() : 0;
      }
      const answer = this.#of.invoke(message, this.#context);
      if (!(answer instanceof Promise)) {
        this.#leave();
        this.#succeed(answer);
        return;
      }
      this.#wait();
      answer.then(
        (value) => {
          this.#leave();
          this.#succeed(value);
        },
        (error: unknown) => {
          this.#leave();
          this.fail(error);
        },
      );
    } catch (error) {
      this.#leave();
      this.fail(error);
    }
  }

  /** The implementation is done: its place is free. */
  #leave(): void {
    const enteredMs = this.#enteredMs;
    if (enteredMs === -1) return;
    this.#enteredMs = -1;
    const abandoned = this.#init.signal?.aborted === true;
    this.#of.places?.leave(undefined, enteredMs === 0 || abandoned ? undefined : performance.now() - enteredMs);
  }

  /** Starts the deadline; an answer that is there at once needs none. */
  #wait(): void {
    const { timeoutMs } = this.#init;
    if (timeoutMs !== undefined && !this.#settled) this.#timer ??= setTimeout(expire, timeoutMs, this);
  }

  #settle(reason?: unknown): void {
    this.#settled = true;
    clearTimeout(this.#timer);
    this.#unwatch?.();
    this.#of.running.delete(this);
    this.#context.end(reason);
  }
}

const nothing: Readonly<Record<string, string>> = {};

function expire(call: { leave(reason: ConnectError): void }): void {
  call.leave(new ConnectError("the operation timed out", Code.DeadlineExceeded));
}

/** Makes a call into this process. */
export function callLocally<I extends DescMessage, O extends DescMessage>(
  of: UnaryMethod,
  method: DescMethodUnary<I, O>,
  init: LocalCallInit,
  message: MessageInitShape<I>,
): Promise<UnaryResponse<I, O>> {
  return new Promise((resolve, reject) => {
    new LocalCall(of, method, init, resolve, reject).begin(create(method.input, message));
  });
}

/** The error as a remote caller reads it: with the headers and trailers of the answer. */
export function received(
  error: unknown,
  answer: { readonly responseHeader: Headers; readonly responseTrailer: Headers },
): ConnectError {
  const sent = wireError(error);
  const metadata = new Headers(answer.responseHeader);
  for (const from of [answer.responseTrailer, sent.metadata]) {
    from.forEach((value, name) => {
      metadata.append(name, value);
    });
  }
  // A new object: the callee's own, with its cause and stack, stays with it.
  const copy = new ConnectError(sent.rawMessage, sent.code, metadata);
  copy.details = [...sent.details];
  copy.isWireError = true;
  return copy;
}
