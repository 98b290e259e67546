import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { consul, consulWith } from "../../../src/registry/consul/consul.ts";
import { Observer } from "../../../src/testing/registry-observer.ts";
import { type ConsulAgent, hasConsul, startConsul } from "../../support/consul-agent.ts";
import { orders, quick, service } from "./quick.ts";

const run = promisify(execFile);
const target = { service, component: "orders" };

describe.skipIf(!hasConsul)("reaching the Consul agent", () => {
  let directory: string;
  let agent: ConsulAgent;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "consul-"));
    const tool = async (...args: readonly string[]): Promise<unknown> =>
      run(process.env["CONSUL_BIN"] ?? "", ["tls", ...args], { cwd: directory });
    await tool("ca", "create");
    await tool("cert", "create", "-server");
    await tool("cert", "create", "-client");
    agent = await startConsul({
      tls: {
        ca: join(directory, "consul-agent-ca.pem"),
        cert: join(directory, "dc1-server-consul-0.pem"),
        key: join(directory, "dc1-server-consul-0-key.pem"),
      },
      config: { addresses: { http: `127.0.0.1 unix://${join(directory, "http.sock")}` } },
    });
  });
  afterAll(async () => {
    await agent?.stop();
    await rm(directory, { recursive: true, force: true });
  });

  it("goes over https with a certificate of its own", async () => {
    const read = async (name: string): Promise<string> => readFile(join(directory, name), "utf8");
    const registry = consul({
      address: agent.secureAddress,
      tls: {
        ca: await read("consul-agent-ca.pem"),
        cert: await read("dc1-client-consul-0.pem"),
        key: await read("dc1-client-consul-0-key.pem"),
      },
    });
    await using observer = new Observer(registry, target, 10_000);
    await using lease = await registry.register(orders("orders-1"));
    await lease.setHealth("warning");
    await observer.sees("a warning", (of) => of.instances[0]?.health === "warning");
    await lease[Symbol.asyncDispose]();
    await observer.seesIds();
  });

  it("trusts no agent whose certificate it does not know", async () => {
    const registry = consulWith({ address: agent.secureAddress }, quick());
    await using observer = new Observer(registry, target, 10_000);
    const failed = await observer.sees("a problem", (of) => of.problem !== undefined);
    expect(failed.problem?.message).toMatch(/certificate/);
  });

  it("goes over a Unix socket", async () => {
    const registry = consul({ address: `unix:${join(directory, "http.sock")}` });
    await using observer = new Observer(registry, target, 10_000);
    await using lease = await registry.register(orders("orders-2"));
    await lease.setHealth("warning");
    await observer.sees("a warning", (of) => of.instances[0]?.health === "warning");
  });

  it("takes the address as CONSUL_HTTP_ADDR has it, without a scheme", async () => {
    const registry = consul({ address: agent.address.replace("http://", "") });
    await using _lease = await registry.register(orders("orders-3"));
    await using observer = new Observer(registry, target, 10_000);
    await observer.seesIds("orders-3");
  });

  it("says what to install when the package consul is missing", async () => {
    const hook = `import { registerHooks } from "node:module";
      registerHooks({ resolve(name, context, next) {
        if (name === "consul") throw new Error("Cannot find package 'consul'");
        return next(name, context);
      } });`;
    const file = new URL("../../../src/registry/consul/consul.ts", import.meta.url).href;
    const program = `const { consul } = await import(${JSON.stringify(file)});
      const registry = consul({ address: ${JSON.stringify(agent.address)} });
      const stop = new AbortController();
      const target = { service: "a.B", component: "nobody" };
      for await (const snapshot of registry.watch(target, stop.signal)) {
        console.log("watched", snapshot.problem === undefined);
        break;
      }
      const instance = ${JSON.stringify(orders("orders-4"))};
      await registry.register(instance).catch((error) => console.log(error.message));
      process.exit();`;
    const imports = ["--import", `data:text/javascript,${encodeURIComponent(hook)}`];
    const args = [...imports, "--input-type=module", "-e", program];
    const { stdout } = await run(process.execPath, args, { timeout: 30_000 });
    // Looking up needs no package.
    expect(stdout).toContain("watched true");
    expect(stdout).toContain("npm install consul");
  });
});
