import { once } from "node:events";
import { createServer } from "node:http2";
import type { ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { ConnectError } from "@connectrpc/connect";
import { expect, onTestFinished, test } from "vitest";
import { GreetService } from "../../gen/greet/v1/greet_pb.ts";
import { component, createMesh, implement, staticRegistry } from "../../src/index.ts";
import { until } from "../../src/testing/until.ts";
import { startMesh } from "../support/mesh.ts";
import { RawHttp2, envelope } from "../support/raw-http2.ts";

const mebibyte = 1024 * 1024;

test("a server lets 1 MiB of each request be on its way", async () => {
  await using server = await startMesh();
  using raw = new RawHttp2(server.address);
  const [settings] = await once(raw.session, "remoteSettings");
  expect(settings).toMatchObject({ initialWindowSize: mebibyte });
  await until(() => raw.session.state.remoteWindowSize === 4 * mebibyte, { what: "room for several requests" });
});

test("a client lets 1 MiB of each answer be on its way", async () => {
  const server = createServer();
  onTestFinished(() => void server.close());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const registry = staticRegistry({ [GreetService.typeName]: [`http://127.0.0.1:${port}`] });
  await using mesh = createMesh({ registry, retry: false });
  const call = mesh.client(GreetService).greet({ name: "Ada" }).catch((error: unknown) => error);
  const [stream] = (await once(server, "stream")) as [ServerHttp2Stream];
  const session = stream.session as ServerHttp2Session;
  await until(() => session.state.remoteWindowSize === 4 * mebibyte, { what: "room for several answers" });
  expect(session.remoteSettings.initialWindowSize).toBe(mebibyte);
  session.destroy();
  expect(await call).toBeInstanceOf(ConnectError);
});

test("uploads that nobody reads hold back themselves, and no other call of their connection", async () => {
  let reading = 0;
  const neglectful = component({
    name: "neglectful",
    services: [
      implement(
        GreetService,
        {
          greet: ({ name }) => ({ message: `hello ${name}` }),
          async collect(requests, { signal }) {
            for await (const _ of requests) {
              reading++;
              await once(signal, "abort");
            }
            return {};
          },
        },
        { partial: true },
      ),
    ],
  });
  await using server = await startMesh({ components: [neglectful] });
  using raw = new RawHttp2(server.address, { maxSessionMemory: 100 });
  const message = envelope(JSON.stringify({ name: "x".repeat(128 * 1024) }));
  const sent = Array.from({ length: 6 }, () => 0);
  for (const at of sent.keys()) {
    const upload = raw.open("/greet.v1.GreetService/Collect", { "content-type": "application/connect+json" });
    const next = (): void => {
      upload.write(message, () => {
        const count = (sent[at] ?? 0) + 1;
        sent[at] = count;
        if (count < 16) next();
      });
    };
    next();
  }
  // Together that is more than all of the connection's room at once.
  await until(() => sent.every((count) => count >= 7), { what: "almost 1 MiB of each upload" });
  const answer = await raw.call("/greet.v1.GreetService/Greet", { "content-type": "application/json" }, '{"name":"Ada"}');
  expect(answer.json).toEqual({ message: "hello Ada" });
  expect(reading).toBe(sent.length);
  expect(Math.max(...sent)).toBeLessThan(9);
});
