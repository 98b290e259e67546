import type { FastifyInstance } from "fastify";

/** A mesh that can be mounted in a Fastify app. */
export interface Mountable {
  /** Adds the mesh's RPCs and health endpoints to the app and ties their lives together. */
  mount(app: FastifyInstance): void;
}

/** Options of {@link meshPlugin}. */
export interface MeshPluginOptions {
  /** The mesh to mount: one without `listen`. */
  readonly mesh: Mountable;
}

/**
 * Mounts a mesh in an existing Fastify app: `await app.register(meshPlugin, { mesh })`.
 * RPCs and health endpoints become routes of the app, so that its hooks apply
 * to them; the app's port takes HTTP/2 as well. The mesh starts when the app
 * listens: await `mesh.start()` after `app.listen()` to see it fail. Stop with
 * `mesh.close()` before `app.close()`: an app that closes turns new requests
 * away at once, so only the mesh can let callers leave first.
 */
export async function meshPlugin(app: FastifyInstance, { mesh }: MeshPluginOptions): Promise<void> {
  // Async although nothing waits: Fastify leaves what a plugin throws at once uncaught.
  mesh.mount(app);
}
