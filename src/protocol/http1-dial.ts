import type { ConnectionOptions } from "node:tls";
import type { buildConnector } from "undici";

/**
 * How much later undici lets go of a socket that hangs than its caller is told,
 * in milliseconds. Its clock goes by half seconds, so it may be early by one.
 */
const clearAwayMs = 1_000;

/** How {@link boundedDial} connects. */
export interface DialOptions {
  /** TLS settings for `https:` addresses. */
  readonly tls: ConnectionOptions | undefined;
  /** Path of a unix socket that stands for the address. */
  readonly socketPath: string | undefined;
  /** How long connecting may take, the TLS handshake included, in milliseconds. */
  readonly timeoutMs: number;
}

/**
 * Connects as undici does, but for no longer than was asked: undici's own bound
 * is late by up to a second, in which a call could have gone to another instance.
 *
 * @param build undici's own, which is loaded when it is needed
 */
export function boundedDial(build: typeof buildConnector, options: DialOptions): buildConnector.connector {
  const { tls, socketPath, timeoutMs } = options;
  const plain = {
    ...tls,
    ...(socketPath === undefined ? {} : { socketPath }),
    timeout: timeoutMs + clearAwayMs,
  };
  // Undici's types do not know that what is undefined is not there.
  const dial = build(plain as buildConnector.BuildOptions);
  return (to, callback) => {
    let late = false;
    let timer: NodeJS.Timeout | undefined;
    dial(to, (...outcome) => {
      clearTimeout(timer);
      if (late) outcome[1]?.destroy();
      else callback(...outcome);
    });
    // Not before: what cannot even begin to connect throws.
    timer = setTimeout(() => {
      late = true;
      callback(silence(timeoutMs), null);
    }, timeoutMs);
  };
}

/** The error of a connection that was not there in time. */
function silence(timeoutMs: number): Error {
  return new Error(
    `no connection within ${timeoutMs} ms; see whether the instance still runs and whether a firewall ` +
      "drops what goes there, or set a longer connectTimeoutMs",
  );
}
