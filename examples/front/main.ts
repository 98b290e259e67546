/** The front process, on the port in `PORT` (default 8080) of the loopback. */
import { GreetService } from "../../gen/greet/v1/greet_pb.ts";
import { createMesh, roundRobin } from "../../src/index.ts";
import type { Mesh } from "../../src/index.ts";
import { run } from "../run.ts";
import { front } from "./front.ts";

const text = process.env["PORT"] || "8080";
const port = Number(text);

if (/^\d+$/.test(text) && port <= 65_535) {
  const component = front(() => greeters);
  const mesh: Mesh = createMesh({ components: [component], listen: { port }, balancer: roundRobin() });
  // Not `local`, which would win here: this process serves the service too.
  const greeters = mesh.client(GreetService, { channel: ["protobuf"] });
  await run(mesh, component, { LISTEN_FAILED: "set PORT to another number, such as PORT=8081" });
} else {
  console.error(`PORT is "${text}"; it must be a number from 0 to 65535, and 0 takes a free one`);
  process.exitCode = 1;
}
