import { connect as connectTcp, isIP } from "node:net";
import type { Socket } from "node:net";
import { connect as connectTls } from "node:tls";
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
