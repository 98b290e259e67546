import { configurationError } from "../error.ts";
import { consul } from "./consul/consul.ts";
import { file } from "./file.ts";
import { memory } from "./memory.ts";
import type { Registry } from "./registry.ts";

/**
 * The registry that `MESH_REGISTRY` names; without it, the `file` registry in
 * its default directory.
 *
 * - `consul://host:port` (`consul+https://host:port` with TLS): a Consul agent;
 *   the token comes from `CONSUL_HTTP_TOKEN`.
 * - `file:DIR`, or `file:` for the default directory.
 * - `memory:`: nothing outside this process.
 *
 * Throws a configuration error for anything else.
 */
export function registryFromEnv(env: NodeJS.ProcessEnv = process.env): Registry {
  const value = env["MESH_REGISTRY"] ?? "file:";
  if (value === "memory:") return memory();
  if (value.startsWith("file:")) {
    const directory = value.slice("file:".length);
    return file(directory === "" ? {} : { directory });
  }
  const agent = /^consul(\+https)?:\/\/([^/]+)\/?$/.exec(value);
  if (agent !== null) {
    return consul({ address: `${agent[1] === undefined ? "http" : "https"}://${agent[2]}` });
  }
  throw configurationError(
    `MESH_REGISTRY is "${value}"; use consul://host:port, file:DIR or memory:`,
    { variable: "MESH_REGISTRY" },
  );
}
