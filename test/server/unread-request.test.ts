import { Agent, request } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { greeter } from "../../examples/greeter/greeter.ts";
import { within } from "../../src/testing/until.ts";
import { startMesh } from "../support/mesh.ts";
import type { StartedMesh } from "../support/mesh.ts";

const greet = "/greet.v1.GreetService/Greet";

/** More than a connection buffers, and more than the server takes. */
const large = Buffer.alloc(1_000_000, " ");

describe("an HTTP/1.1 request that is answered before it is read", () => {
  let server: StartedMesh;
  let connections = 0;

  beforeAll(async () => {
    const gate = greeter({
      requestGate: async ({ requestHeader }) => {
        if (!requestHeader.has("x-forbidden")) return;
        // Long enough for as much of the body to arrive as the server takes in advance.
        await delay(100);
        throw new ConnectError("not you", Code.PermissionDenied);
      },
    });
    server = await startMesh({ components: [gate], limits: { readMaxBytes: 100_000 } });
    server.mesh.http.server.on("connection", () => connections++);
  });

  afterAll(() => server.mesh.close());

  function post(
    agent: Agent,
    path: string,
    headers: Readonly<Record<string, string>>,
    body: Uint8Array | string,
  ): Promise<{ status: number | undefined; text: string }> {
    return new Promise((resolve, reject) => {
      const sent = request(server.address + path, { method: "POST", agent, headers }, (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
        response.on("end", () => {
          resolve({ status: response.statusCode, text });
        });
      });
      sent.on("error", reject);
      sent.end(body);
    });
  }

  const json = { "content-type": "application/json" };

  test.each([
    ["is too large, as it says", greet, { ...json, "content-length": `${large.length}` }, 429],
    ["is too large, in chunks", greet, { ...json, "transfer-encoding": "chunked" }, 429],
    ["is turned away at the gate", greet, { ...json, "x-forbidden": "1" }, 403],
    ["has the wrong content type", greet, { "content-type": "text/plain" }, 415],
    ["has another encoding than any that is known", greet, { ...json, "content-encoding": "rot13" }, 501],
    ["is for a method that is not there", "/greet.v1.GreetService/Nope", json, 404],
  ])("because it %s leaves the connection to the next one", async (_, path, headers, status) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const before = connections;
    try {
      const refused = await within(() => post(agent, path, headers, large), { what: "the refusal" });
      expect(refused.status).toBe(status);
      const next = await within(() => post(agent, greet, json, '{"name":"Ada"}'), { what: "the next answer" });
      expect([next.status, JSON.parse(next.text)]).toEqual([200, { message: "hello Ada", instance: server.id }]);
      expect(connections - before).toBe(1);
    } finally {
      agent.destroy();
    }
  });
});
