import { expect } from "vitest";
import type { StartedMesh } from "./mesh.ts";
import { RawHttp2 } from "./raw-http2.ts";

/** Callers on other connections do not notice. */
export async function othersAreServed(server: StartedMesh): Promise<void> {
  using other = new RawHttp2(server.address);
  const greet = "/greet.v1.GreetService/Greet";
  const { status } = await other.call(greet, { "content-type": "application/json" }, '{"name":"Ada"}');
  expect(status).toBe(200);
}
