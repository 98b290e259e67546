import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { rolldown } from "rolldown";

/** Serves the page to a browser and takes what it reports. Disposing stops that. */
export interface Page extends AsyncDisposable {
  /** `http://127.0.0.1:<port>`. */
  readonly origin: string;
  /** What the page reports; rejects when it says that it failed. */
  readonly report: Promise<unknown>;
}

/** Bundles `page.ts` and serves it on a free port. */
export async function servePage(): Promise<Page> {
  const script = await bundle(join(import.meta.dirname, "page.ts"));
  const report = Promise.withResolvers<unknown>();
  report.promise.catch(() => {
    // Whoever waits for it hears of it.
  });
  const server = createServer((req, res) => {
    const path = req.url?.split("?")[0];
    if (req.method === "POST") {
      let body = "";
      req.setEncoding("utf8").on("data", (text: string) => (body += text));
      req.on("end", () => {
        if (path === "/report") report.resolve(JSON.parse(body));
        else report.reject(new Error(`the page failed: ${String(JSON.parse(body))}`));
        res.end("{}");
      });
    } else if (path === "/") {
      res.setHeader("content-type", "text/html; charset=utf-8");
      res.end('<!doctype html><title>calls</title><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>');
    } else if (path === "/page.js") {
      res.setHeader("content-type", "text/javascript; charset=utf-8");
      res.end(script);
    } else {
      res.statusCode = 404;
      res.end();
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    report: report.promise,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function bundle(input: string): Promise<string> {
  await using build = await rolldown({ input, platform: "browser", logLevel: "warn" });
  const { output } = await build.generate({ format: "esm" });
  return output[0].code;
}
