import { execFile, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { describe, expect, it } from "vitest";
import { GreetService } from "../gen/greet/v1/greet_pb.ts";
import { until, within } from "../src/testing/until.ts";
import { hasConsul, startConsul } from "./support/consul-agent.ts";
import { type Demo, isAlive, startDemo } from "./support/demo.ts";

const run = promisify(execFile);
const hasCurl = spawnSync("curl", ["--version"]).status === 0;

interface Answer {
  readonly message: string;
  readonly instance: string;
}

/** What a demo has printed about itself. */
interface Facts {
  readonly address: string;
  /** Ids of the greeters. */
  readonly greeters: readonly string[];
  /** Process ids of the greeters, then of the front. */
  readonly pids: readonly number[];
}

async function facts(demo: Demo): Promise<Facts> {
  const [, address = ""] = await demo.printed(/^ready (http:\/\/127\.0\.0\.1:\d+)$/m);
  const output = demo.output();
  return {
    address,
    greeters: [...output.matchAll(/^(greeter-\w+) /gm)].map(([, id = ""]) => id),
    pids: [...output.matchAll(/^\S+ +pid (\d+) /gm)].map(([, pid]) => Number(pid)),
  };
}

async function call(address: string, name: string): Promise<Answer> {
  const response = await fetch(`${address}/greet.v1.GreetService/Greet`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name }),
    signal: AbortSignal.timeout(20_000),
  });
  if (!response.ok) throw new Error(`HTTP ${response.status}: ${await response.text()}`);
  return (await response.json()) as Answer;
}

/** Asserts that the demo ended well and that nothing is left of it. */
async function expectCleanEnd(demo: Demo, { pids }: Facts): Promise<void> {
  const exit = await within(() => demo.exit, { timeoutMs: 45_000, what: "the end of the demo" });
  expect(exit, demo.output()).toEqual({ code: 0, signal: null });
  expect(pids.filter(isAlive)).toEqual([]);
  expect(await demo.leftovers()).toEqual([]);
}

describe("the demo", () => {
  it("balances over three greeters, loses no call when one is killed, and ends cleanly on SIGTERM", async () => {
    await using demo = await startDemo();
    const known = await facts(demo);
    expect(known.greeters).toHaveLength(3);
    expect(known.pids).toHaveLength(4);

    const seen = new Set<string>();
    for (let turn = 0; turn < 12; turn++) {
      const { message, instance } = await call(known.address, "Ada");
      expect(message).toBe("hello Ada");
      seen.add(instance);
    }
    expect([...seen].sort()).toEqual([...known.greeters].sort());

    const [, pid = "0"] = await demo.printed(/^ {2}kill -9 (\d+)/m);
    process.kill(Number(pid), "SIGKILL");
    const after: string[] = [];
    for (let turn = 0; turn < 100; turn++) after.push((await call(known.address, "Bob")).instance);
    const killed = known.greeters[known.pids.indexOf(Number(pid))];
    expect(after).not.toContain(killed);
    expect(new Set(after).size).toBe(2);
    await demo.printed(new RegExp(`^${killed} \\(pid ${pid}\\) was ended by SIGKILL`, "m"));

    demo.child.kill("SIGTERM");
    await expectCleanEnd(demo, known);
  });

  it.skipIf(!hasCurl)("answers the curl command that it prints and that the README shows", async () => {
    await using demo = await startDemo();
    const known = await facts(demo);
    const [, curl = ""] = await demo.printed(/^ +(curl -d .*\/Greet)$/m);
    const { stdout } = await run("sh", ["-c", curl], { timeout: 20_000 });
    const answer = JSON.parse(stdout) as Answer;
    expect(answer.message).toBe("hello Ada");
    expect(known.greeters).toContain(answer.instance);
    const printed = demo.output();
    const others: ReadonlyArray<readonly [RegExp, RegExp]> = [
      [/^ +(curl \S+\/v1\/greet\/Ada)$/m, /"message":"hello Ada"/],
      [/^ +(printf .* application\/msgpack.*)$/m, /message.*hello Ada/],
      [/^ +(curl \S+\/openapi\.json)$/m, /"openapi": ?"3\.1/],
    ];
    for (const [line, expected] of others) {
      const [, command = "false"] = line.exec(printed) ?? [];
      expect((await run("sh", ["-c", command], { timeout: 20_000 })).stdout).toMatch(expected);
    }
    const readme = await readFile(join(import.meta.dirname, "../README.md"), "utf8");
    expect(readme).toContain(curl.replace(known.address, "http://127.0.0.1:8080"));

    demo.child.kill("SIGINT");
    await expectCleanEnd(demo, known);
  });

  it("ends at once on a second SIGINT, though a call would go on for long", async () => {
    await using demo = await startDemo();
    const known = await facts(demo);
    const client = createClient(
      GreetService,
      createConnectTransport({ baseUrl: known.address, httpVersion: "1.1" }),
    );
    const endless = client.greetMany({ count: 10, pause: { seconds: 1_000n } });
    const failed = (async () => {
      for await (const _ of endless) demo.child.kill("SIGINT");
    })().catch((error: unknown) => error);

    // Signals in quick succession count as one, as npm sends each of them twice.
    await demo.printed(/^stopping/m);
    const hurry = setInterval(() => demo.child.kill("SIGINT"), 200);
    await demo.printed(/^ending at once/m).finally(() => clearInterval(hurry));
    // Less than the 20 s that a running call has.
    await within(() => demo.exit, { timeoutMs: 15_000, what: "the end of the demo" });
    await expectCleanEnd(demo, known);
    expect(await failed).toBeInstanceOf(Error);
  });

  it("ends with the shell that npm runs it in, which is all that npm passes a SIGTERM on to", async () => {
    await using demo = await startDemo({ npm_lifecycle_event: "demo" }, { shell: true });
    const known = await facts(demo);
    demo.child.kill("SIGTERM");
    // Its output closes when the demo itself has ended.
    await within(() => demo.exit, { timeoutMs: 45_000, what: "the end of the demo" });
    expect(demo.output()).toContain("stopping");
    expect(known.pids.filter(isAlive)).toEqual([]);
    expect(await demo.leftovers()).toEqual([]);
  });

  it("leaves no process behind when it is killed itself", async () => {
    await using demo = await startDemo();
    const { pids } = await facts(demo);
    demo.child.kill("SIGKILL");
    await until(() => !pids.some(isAlive), { timeoutMs: 45_000, what: "the end of its processes" });
  });

  it("says who is in the way when the port is taken, and leaves nothing behind", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    try {
      const { port } = other.address() as AddressInfo;
      await using demo = await startDemo({ PORT: String(port) });
      expect((await demo.exit).code).toBe(1);
      expect(demo.output()).toContain(`cannot listen on 127.0.0.1:${port}`);
      expect(demo.output()).toContain("set PORT to another number");
      expect(await demo.leftovers()).toEqual([]);
    } finally {
      other.close();
    }
  });

  it("ends with the reason when its registry cannot be asked", async () => {
    await using demo = await startDemo({ MESH_REGISTRY: "consul://127.0.0.1:1" });
    expect((await demo.exit).code).toBe(1);
    expect(demo.output()).toContain("Consul at http://127.0.0.1:1");
    expect(demo.output()).not.toContain("ready");
  });

  it.skipIf(!hasConsul)("works over Consul, and takes its instances out of it at the end", async () => {
    await using consul = await startConsul();
    await using demo = await startDemo({ MESH_REGISTRY: consul.address.replace("http:", "consul:") });
    const known = await facts(demo);
    const seen = new Set<string>();
    for (let turn = 0; turn < 12; turn++) seen.add((await call(known.address, "Ada")).instance);
    expect([...seen].sort()).toEqual([...known.greeters].sort());

    demo.child.kill("SIGTERM");
    await expectCleanEnd(demo, known);
    const { body } = await consul.api("GET", "/v1/agent/services");
    expect(body).toEqual({});
  });
});
