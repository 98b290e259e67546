import type { Socket } from "node:net";

/** How every HTTP/2 connection begins, and no HTTP/1.1 request (RFC 9113, section 3.4). */
const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/**
 * Looks at the first bytes of a connection and gives them back, then says
 * whether they are HTTP/2. A connection that does not say so in time, or ends
 * before, is closed. The socket stays in paused mode throughout: data that was
 * read in flowing mode and given back upsets Node's HTTP/2.
 */
export function firstBytes(
  socket: Socket,
  timeoutMs: number,
  decided: (isHttp2: boolean) => void,
): void {
  const giveUp = (): void => {
    socket.destroy();
  };
  const timer = setTimeout(giveUp, timeoutMs);
  const stop = (): void => {
    clearTimeout(timer);
    socket.off("readable", onReadable);
    socket.off("end", giveUp);
    socket.off("error", stop);
    socket.off("close", stop);
  };
  let seen: Buffer = Buffer.alloc(0);
  const onReadable = (): void => {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) return;
    seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
    const length = Math.min(seen.length, preface.length);
    const isHttp2 = seen.subarray(0, length).equals(preface.subarray(0, length));
    // Fewer bytes than it takes to tell: wait for more.
    if (isHttp2 && length < preface.length) return;
    stop();
    socket.unshift(seen);
    decided(isHttp2);
  };
  socket.on("readable", onReadable);
  socket.once("end", giveUp);
  socket.once("error", stop);
  socket.once("close", stop);
}
