import { ConnectError } from "@connectrpc/connect";
import type { Transport } from "@connectrpc/connect";
import { headersOf } from "./headers.ts";
import { copyOf, unsent } from "./progress.ts";
import { aborted } from "./unary/ended-early.ts";

/** Reasons of signals that ended requests before these were sent. */
const beforeSent = new WeakSet<ConnectError>();

/** The error of a request that its signal ended before it was sent. */
export function endedUnsent(signal: AbortSignal): ConnectError {
  const { reason } = signal as { readonly reason: unknown };
  if (reason instanceof ConnectError) beforeSent.add(reason);
  return unsent(aborted(signal));
}

/**
 * Makes a call by Connect's own machinery, which throws the reason of a signal
 * that has aborted instead of the error of the HTTP client, and so loses how far
 * the request had come: here the error tells it again. Several attempts may have
 * one signal, so each gets a copy of its reason.
 *
 * @param call makes the call, which ends with the signal that it is given
 * @param goesOn whether the signal may still end what the call resolves to. Default false
 */
export async function keepProgress<T>(
  signal: AbortSignal | undefined,
  call: (signal: AbortSignal | undefined) => Promise<T>,
  goesOn: boolean = false,
): Promise<T> {
  const own = signal === undefined ? undefined : new AbortController();
  const end = (): void => {
    if (signal !== undefined) own?.abort(copyOf(aborted(signal)));
  };
  if (signal?.aborted === true) end();
  else signal?.addEventListener("abort", end, { once: true });
  let lasts = false;
  try {
    const answer = await call(own?.signal);
    lasts = goesOn;
    return answer;
  } catch (error) {
    throw error instanceof ConnectError && beforeSent.has(error) ? unsent(error) : error;
  } finally {
    if (!lasts) signal?.removeEventListener("abort", end);
  }
}

/** A transport of Connect's whose errors tell how far the request had come, as {@link keepProgress} has it. */
export function keepingProgress(of: Transport): Transport {
  return {
    unary: (method, signal, timeoutMs, header, ...rest) =>
      keepProgress(signal, (own) => of.unary(method, own, timeoutMs, headersOf(header), ...rest)),
    stream: (method, signal, timeoutMs, header, ...rest) =>
      keepProgress(signal, (own) => of.stream(method, own, timeoutMs, headersOf(header), ...rest), true),
  };
}
