import { connect, createServer } from "node:http2";
import { connect as connectNet } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, describe, expect, test } from "vitest";
import { GreetRequestSchema, GreetResponseSchema, GreetService } from "../../gen/greet/v1/greet_pb.ts";
import { component, createMesh, implement, memory, progressOf, staticRegistry } from "../../src/index.ts";
import { until } from "../../src/testing/until.ts";

const closing: Array<() => unknown> = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

describe("an answer that is cut off", () => {
  test.each(["protobuf", "json", "grpc", "grpc-web"])(
    "over %s fails as unavailable and is never taken for a complete one",
    async (channel) => {
      let calls = 0;
      let socket: Socket | undefined;
      const server = createServer((_req, res) => {
        calls++;
        const types: Record<string, string> = {
          protobuf: "application/proto",
          json: "application/json",
          grpc: "application/grpc+proto",
          "grpc-web": "application/grpc-web+proto",
        };
        // Bytes that would pass for a whole message, then a dead connection.
        const whole = toBinary(GreetResponseSchema, create(GreetResponseSchema, { message: "half" }));
        const envelope = Buffer.concat([Buffer.from([0, 0, 0, 0, whole.length]), whole]);
        res.on("error", () => {});
        res.writeHead(200, { "content-type": types[channel] });
        res.write(channel === "json" ? "{}" : channel === "protobuf" ? whole : envelope, () => {
          setTimeout(() => socket?.destroy(), 20);
        });
      });
      server.on("connection", (connected) => {
        socket = connected;
      });
      server.listen(0, "127.0.0.1");
      closing.push(() => server.close());
      await until(() => server.listening);
      const { port } = server.address() as AddressInfo;
      const mesh = createMesh({ registry: staticRegistry({ greeter: [`http://127.0.0.1:${port}`] }) });
      closing.push(() => mesh.close());
      const error = await mesh
        .client(GreetService, { channel })
        .greet({})
        .then(
          (answer) => answer,
          (thrown: unknown) => ConnectError.from(thrown),
        );
      expect(error).toBeInstanceOf(ConnectError);
      expect([(error as ConnectError).code, progressOf(error)]).toEqual([Code.Unavailable, "sent"]);
      // Greet has no side effects, so it was tried three times.
      expect(calls).toBe(3);
    },
  );
});

describe("a request that is cut off", () => {
  test("never reaches the implementation", async () => {
    let calls = 0;
    const greeter = component({
      name: "greeter",
      services: [
        implement(GreetService, { greet: () => ({ message: String(++calls) }) }, { partial: true }),
      ],
    });
    const mesh = createMesh({ registry: memory(), listen: {}, components: [greeter], drain: { drainDelayMs: 0 } });
    closing.push(() => mesh.close());
    await mesh.start();
    const send = (cut: boolean) => {
      const { hostname, port } = new URL(mesh.address ?? "");
      const socket = connectNet(Number(port), hostname);
      const session = connect(mesh.address ?? "", { createConnection: () => socket });
      session.on("error", () => {});
      const stream = session.request({
        ":method": "POST",
        ":path": "/greet.v1.GreetService/Greet",
        "content-type": "application/proto",
      });
      stream.on("error", () => {});
      stream.resume();
      stream.write(toBinary(GreetRequestSchema, create(GreetRequestSchema, { name: "Ada" })));
      return new Promise<void>((resolve) => {
        session.once("close", resolve);
        if (cut) setTimeout(() => socket.destroy(), 30);
        else {
          stream.end();
          stream.once("close", () => session.close());
        }
      });
    };
    await send(true);
    await send(false);
    await until(() => calls > 0);
    expect(calls).toBe(1);
  });
});
