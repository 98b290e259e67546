import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { Code, ConnectError } from "@connectrpc/connect";
import { expect, onTestFinished, test } from "vitest";
import { GreetService } from "../../gen/greet/v1/greet_pb.ts";
import { progressOf } from "../../src/index.ts";
import { http2Client } from "../../src/protocol/http2-client.ts";
import { Http2Connection } from "../../src/protocol/http2-connection.ts";
import { wireTransport } from "../../src/protocol/wire.ts";
import { until } from "../../src/testing/until.ts";
import { startMesh } from "../support/mesh.ts";
import { failure } from "../support/outcome.ts";
import { silent } from "../support/silent.ts";

/** Calls by Connect's own machinery. */
function transportTo(address: string) {
  const connection = new Http2Connection(address, { connectTimeoutMs: 5_000, onLost: () => {} });
  onTestFinished(() => connection.close());
  const limits = { readMaxBytes: 1_000, writeMaxBytes: 1_000 };
  return wireTransport({ wire: { protocol: "grpc-web" }, interceptors: [], ...limits }, connection.origin, http2Client(connection));
}

test("calls that one signal ends tell each for itself whether they were sent", async () => {
  let asked = 0;
  await using host = await startMesh({ components: [silent(() => asked++)] });
  // TCP accepts, but nobody speaks HTTP/2.
  const wordless = createServer((socket) => {
    socket.on("error", () => {});
    onTestFinished(() => { socket.destroy(); });
  }).listen(0, "127.0.0.1");
  await once(wordless, "listening");
  onTestFinished(() => { wordless.close(); });
  const end = new AbortController();
  const to = (address: string) =>
    failure(transportTo(address).unary(GreetService.method.greet, end.signal, undefined, undefined, {}));
  const calls = [to(`http://127.0.0.1:${(wordless.address() as AddressInfo).port}`), to(host.address)];
  await until(() => asked === 1, { what: "the call that is sent" });
  end.abort(new ConnectError("enough", Code.DeadlineExceeded));
  const errors = await Promise.all(calls);
  expect(errors.map((error) => [error.code, error.rawMessage, progressOf(error)])).toEqual([
    [Code.DeadlineExceeded, "enough", "unsent"],
    [Code.DeadlineExceeded, "enough", undefined],
  ]);
});
