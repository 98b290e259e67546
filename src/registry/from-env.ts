import { configurationError } from "../error.ts";
import { consul } from "./consul/consul.ts";
import { file } from "./file.ts";
import { memory } from "./memory.ts";
import type { ListableRegistry } from "./registry.ts";

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
export function registryFromEnv(env: NodeJS.ProcessEnv = process.env): ListableRegistry {
  return registryFromText(env["MESH_REGISTRY"] ?? "file:", "MESH_REGISTRY");
}

/**
 * The registry that a text names, in the form of `MESH_REGISTRY`. Throws a
 * configuration error for anything else; it says that the text came from `variable`.
 */
export function registryFromText(value: string, variable: string): ListableRegistry {
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
    `${variable} is "${value}"; use consul://host:port, file:DIR or memory:`,
    { variable },
  );
}
