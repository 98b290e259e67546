import { connect as connectTcp, isIP } from "node:net";
import type { Socket } from "node:net";
import { connect as connectTls, TLSSocket } from "node:tls";
import type { ConnectionOptions } from "node:tls";

/**
 * Opens the socket of an HTTP/2 session.
 *
 * @param address `http://host:port`, `https://host:port` or `unix:/path`
 */
export function http2Socket(address: string, tls: ConnectionOptions | undefined): Socket {
  if (address.startsWith("unix:")) return connectTcp(address.slice("unix:".length));
  const { protocol, hostname, port } = new URL(address);
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  if (protocol !== "https:") return connectTcp(port === "" ? 80 : Number(port), host);
  const socket = connectTls({
    // Only names can be asked for, not addresses (RFC 6066, section 3).
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...tls,
    host,
    port: port === "" ? 443 : Number(port),
    ALPNProtocols: ["h2"],
  });
  const end = (error?: Error): void => {
    // Later, so that the session has heard of it: on an alert after the handshake,
    // such as for a missing client certificate, Node's waits for the socket for ever.
    setImmediate(() => socket.destroy(error));
  };
  socket.on("error", () => {
    end();
  });
  socket.once("secureConnect", () => {
    if (socket.alpnProtocol === "h2") return;
    end(
      new Error(
        'the server did not agree to HTTP/2 in the TLS handshake; use a channel with httpVersion "1.1"',
      ),
    );
  });
  return socket;
}

/** Alerts by which a server refuses a client's certificate (RFC 8446, section 6.2), as Node's error codes name them. */
const refusal =
  /_ALERT_(BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_(?:REVOKED|EXPIRED|UNKNOWN|REQUIRED)|UNKNOWN_CA|ACCESS_DENIED)$/;

/** What ends a connection without a reason. */
const wordless = /^(ECONNRESET|EPIPE)$/;

const remedy =
  "set cert and key of the TLS options to those of a certificate that an authority of the server's has signed and that has not expired";

/**
 * Says of a connection that ended before the server's settings came whether the
 * server refused this client's certificate. With TLS 1.3 a client hears of that
 * only after its own handshake: by an alert, or, from servers in Node, by
 * nothing but the end. Returns any other cause as it is.
 *
 * @param tls the settings that the socket was opened with
 * @param cause why it ended, as far as Node says; undefined when it does not
 */
export function explainEnd(socket: Socket, tls: ConnectionOptions | undefined, cause: unknown): unknown {
  if (!(socket instanceof TLSSocket)) return cause;
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const has = [tls?.cert, tls?.pfx, tls?.secureContext].some((own) => own !== undefined);
  const alert = refusal.exec(code)?.[1]?.toLowerCase().replaceAll("_", " ");
  if (alert !== undefined) {
    const what = has ? "the server refused this client's certificate" : "the server wants a certificate of this client, which has none";
    return new Error(`${what} (TLS alert: ${alert}); ${remedy}`, { cause });
  }
  // A protocol is known only after the handshake. Whoever showed no certificate would have got an alert.
  const silent = cause === undefined || wordless.test(code);
  if (!silent || !has || socket.alpnProtocol !== "h2") return cause;
  const what = "the server closed the connection right after the TLS handshake, so it has probably refused this client's certificate";
  return new Error(`${what}; ${remedy}`, { cause });
}
