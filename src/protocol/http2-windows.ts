import type { Http2Session } from "node:http2";

/**
 * How much of a stream may be on its way to this side without having been read,
 * in bytes (RFC 9113, section 5.2). HTTP/2's own 64 KiB let a message of 64 kB
 * wait for one more round trip, and one that is longer for many. So much waits
 * in memory for each stream that its reader neglects. As much as in grpc-java.
 */
export const streamWindowBytes: number = 1024 * 1024;

/**
 * The same of all streams of a connection together, in bytes. Node gives room
 * anew as soon as it has the bytes, read or not, so nothing waits for a neglected
 * stream, and this does not bound what waits in memory.
 */
const connectionWindowBytes = 4 * streamWindowBytes;

/** Lets more than HTTP/2's own 64 KiB be on their way. For a session that has its connection, or has lost it since. */
export function widenWindow(session: Http2Session): void {
  if (!session.destroyed) session.setLocalWindowSize(connectionWindowBytes);
}
