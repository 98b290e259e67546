import type { ConnectionOptions } from "node:tls";
import type { Interceptor } from "@connectrpc/connect";
import type { Balancer } from "./balancer/balancer.ts";
import type { Channel } from "./channel/channel.ts";
import type { ChannelPreference } from "./client/options.ts";
import type { Codec } from "./codec/codec.ts";
import type { Component } from "./component/component.ts";
import type { OpenApiOptions } from "./openapi/options.ts";
import type { Registry } from "./registry/registry.ts";
import type { CorsOptions } from "./server/cors.ts";
import type { HttpOptions } from "./server/http.ts";
import type { DrainOptions, ListenOptions, ServerLimits } from "./server/options.ts";
import type { ValidateOptions } from "./validation/validate.ts";

/** Options of `createMesh`. */
export interface MeshOptions {
  /** Where instances are found and registered. Default: `registryFromEnv()`. */
  readonly registry?: Registry | undefined;
  /** What this process hosts. Default none: a mesh of clients. */
  readonly components?: readonly Component[] | undefined;
  /** Where to listen. Without it nothing does, and nothing is registered. */
  readonly listen?: ListenOptions | undefined;
  /** Every channel that clients can take. Default: `local`, `protobuf`, `json`, `msgpack`, `grpc`, `grpc-web`, `rest`. */
  readonly channels?: readonly Channel[] | undefined;
  /**
   * Formats that hosted components understand over the Connect protocol, by the
   * channels that they offer. Default: protobuf, JSON, MessagePack; the last two
   * know what may stand in a `google.protobuf.Any`: the well-known types, those
   * of `google.rpc`, and those of the files of every service that the mesh hosts
   * or makes a client of. So do the default `channels`.
   */
  readonly codecs?: readonly Codec[] | undefined;
  /**
   * Channel preference of clients that have none. Default: `local` for
   * services that are hosted here, `protobuf` for all others.
   */
  readonly channel?: ChannelPreference | undefined;
  /** Balancer of clients that have none. Default `peakEwma()`. */
  readonly balancer?: Balancer | undefined;
  /** Run once around each call of each client. Default none. */
  readonly interceptors?: readonly Interceptor[] | undefined;
  /** Deadline of calls for which nobody set one, in milliseconds. Default 30000. */
  readonly timeoutMs?: number | undefined;
  /** Whether calls wait for an instance until their deadline. Default true. */
  readonly waitForReady?: boolean | undefined;
  /** How long connecting to an instance may take, in milliseconds. Default 5000. */
  readonly connectTimeoutMs?: number | undefined;
  /**
   * How long a service that suddenly has no instances keeps the last known
   * ones, in milliseconds. Default 10000.
   */
  readonly emptyGraceMs?: number | undefined;
  /** TLS settings for instances at `https:` addresses. */
  readonly tls?: ConnectionOptions | undefined;
  /** Limits of the server and of messages. */
  readonly limits?: Partial<ServerLimits> | undefined;
  /** Times of `mesh.close()`. */
  readonly drain?: Partial<DrainOptions> | undefined;
  /** How health is looked after. */
  readonly health?: HealthOptions | undefined;
  /**
   * Whether requests are checked against the protovalidate rules of their
   * contract before an implementation sees them, and how. Default true. Needs
   * `@bufbuild/protovalidate` where a contract has rules: `start()` fails
   * without it. With false only components that have `validate()` among their
   * interceptors check theirs.
   */
  readonly validate?: boolean | ValidateOptions | undefined;
  /**
   * Whether tools may ask for the services and their contracts
   * (`grpc.reflection.v1` and `v1alpha`). Default: unless the environment
   * variable `NODE_ENV` is `production`.
   */
  readonly reflection?: boolean | undefined;
  /**
   * Whether `/openapi.json` is served, and what is in it. Default: unless the
   * environment variable `NODE_ENV` is `production`.
   */
  readonly openapi?: boolean | OpenApiOptions | undefined;
  /**
   * Whether browsers let pages of other origins call what the mesh serves:
   * RPCs, REST, health and `/openapi.json`. True lets all of them, without
   * cookies. Default false: the mesh answers no preflight.
   */
  readonly cors?: boolean | CorsOptions | undefined;
  /**
   * Whether unary calls that need nothing unusual take the short way, on both
   * sides: the same answers, in a fraction of the time (see
   * `docs/performance.md`). False is for comparing. Default true.
   */
  readonly fastPath?: boolean | undefined;
  /** Options of the Fastify app behind `mesh.http`, such as `logger`. */
  readonly http?: HttpOptions | undefined;
}

/** How a mesh looks after the health of its components. */
export interface HealthOptions {
  /** Pause between two runs of the checks, in milliseconds. Default 5000. */
  readonly intervalMs?: number | undefined;
  /** Whether `/health` and `/readyz` show the messages of checks and registry. Default true. */
  readonly details?: boolean | undefined;
}
