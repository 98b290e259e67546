import { greeter } from "../../examples/greeter/greeter.ts";
import { createMesh, memory } from "../../src/index.ts";
import type { Mesh, MeshOptions } from "../../src/index.ts";

/** A mesh that was started on a free port of the loopback. Disposing closes it. */
export interface StartedMesh extends AsyncDisposable {
  readonly mesh: Mesh;
  /** `http://127.0.0.1:<port>`. */
  readonly address: string;
  readonly port: number;
  /** Id of the instance of the first component. */
  readonly id: string;
}

/**
 * Starts a mesh of one greeter that leaves without delay. Options replace what
 * it would choose by itself; `drain` is added to its own.
 *
 * @param prepare runs before the start, to add routes
 */
export async function startMesh(
  options: MeshOptions = {},
  prepare: (mesh: Mesh) => void = () => {},
): Promise<StartedMesh> {
  const { components = [greeter()], drain } = options;
  const mesh = createMesh({
    registry: memory(),
    listen: {},
    ...options,
    components,
    drain: { drainDelayMs: 0, ...drain },
  });
  prepare(mesh);
  await mesh.start();
  const address = mesh.address ?? "";
  const [first] = components;
  return {
    mesh,
    address,
    port: URL.canParse(address) ? Number(new URL(address).port) : 0,
    id: (first === undefined ? undefined : mesh.instanceId(first)) ?? "",
    [Symbol.asyncDispose]: () => mesh.close(),
  };
}
