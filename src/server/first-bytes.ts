import type { Socket } from "node:net";

/** How every HTTP/2 connection begins, and no HTTP/1.1 request. */
const preface = Buffer.from("PRI ");

/**
 * Looks at the first bytes of a connection and gives them back, then says
 * whether they are HTTP/2. A connection that says nothing in time is closed.
 * The socket stays in paused mode throughout: data that was read in flowing
 * mode and given back upsets Node's HTTP/2.
 */
export function firstBytes(
  socket: Socket,
  timeoutMs: number,
  decided: (isHttp2: boolean) => void,
): void {
  const timer = setTimeout(() => {
    socket.destroy();
  }, timeoutMs);
  const stop = (): void => {
    clearTimeout(timer);
    socket.off("readable", onReadable);
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
  socket.once("error", stop);
  socket.once("close", stop);
}
