import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { consul } from "../../../src/registry/consul/consul.ts";
import type { ConsulOptions } from "../../../src/registry/consul/options.ts";

describe("the options of consul()", () => {
  it.each<[string, ConsulOptions, string]>([
    ["an address of another scheme", { address: "ftp://x" }, "ftp://x"],
    ["an address with a path", { address: "http://x:1/prefix" }, "/prefix"],
    ["a relative socket", { address: "unix:run/x" }, "unix:run/x"],
    ["no address", { address: "http://" }, "http://"],
    ["a removal below Consul's minimum", { deregisterCriticalAfterMs: 59_999 }, "60000"],
    ["a wait above Consul's maximum", { waitMs: 600_001 }, "600000"],
    ["a wait of 0", { waitMs: 0 }, "waitMs"],
    ["a rate that is no number", { requestsPerSecond: Number.NaN }, "requestsPerSecond"],
    ["a slow heartbeat", { check: { kind: "ttl", heartbeatMs: 15_000 } }, "heartbeatMs"],
    ["an interval below 0", { check: { kind: "http", intervalMs: -1 } }, "intervalMs"],
    ["an unknown check", { check: { kind: "tcp" } as never }, "tcp"],
  ])("refuse %s", (_, options, says) => {
    let thrown: unknown;
    try {
      consul(options);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(ConnectError);
    expect((thrown as ConnectError).code).toBe(Code.InvalidArgument);
    expect((thrown as ConnectError).message).toContain(says);
  });

  it.each([
    "http://127.0.0.1:8500",
    "https://consul.internal:8501",
    "127.0.0.1:8500",
    "[::1]:8500",
    "unix:/run/consul.sock",
    "unix:///run/consul.sock",
  ])("take the address %s", (address) => {
    expect(consul({ address }).name).toBe("consul");
  });
});
