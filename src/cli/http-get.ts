import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";

/** The most that is read of an answer, in bytes. */
const maxBytes = 1024 * 1024;

/**
 * Gets a path over HTTP/1.1 and resolves to the parsed JSON, whatever the
 * status. Rejects when the answer is none, or is too large.
 *
 * @param address `http://host:port`, `https://host:port` or `unix:/path`
 */
export function getJson(address: string, path: string, signal: AbortSignal): Promise<unknown> {
  const unix = address.startsWith("unix:");
  const url = new URL(path, unix ? "http://localhost" : address);
  const start = url.protocol === "https:" ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const socketPath = unix ? { socketPath: address.slice("unix:".length) } : {};
    const outgoing = start(url, { ...socketPath, signal, agent: false }, (answer) => {
      const chunks: Buffer[] = [];
      let size = 0;
      answer.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        if (size > maxBytes) answer.destroy(new Error(`the answer has more than ${maxBytes} bytes`));
      });
      answer.on("error", reject);
      answer.on("end", () => {
        try {
          resolve(JSON.parse(Buffer.concat(chunks).toString("utf8")));
        } catch (error) {
          reject(error);
        }
      });
    });
    outgoing.on("error", reject);
    outgoing.end();
  });
}
