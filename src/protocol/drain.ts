import type { EventEmitter } from "node:events";

/**
 * Waits until a stream that is full can be written again. Resolves to false
 * when the stream closed instead, after which nothing should be written.
 */
export function drained(stream: EventEmitter & { readonly destroyed: boolean }): Promise<boolean> {
  if (stream.destroyed) return Promise.resolve(false);
  return new Promise((resolve) => {
    const settle = (writable: boolean) => (): void => {
      stream.off("drain", onDrain);
      stream.off("close", onClose);
      resolve(writable);
    };
    const onDrain = settle(true);
    const onClose = settle(false);
    stream.once("drain", onDrain);
    stream.once("close", onClose);
  });
}
