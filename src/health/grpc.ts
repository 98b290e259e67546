import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import { configurationError, meshError } from "../error.ts";
import {
  HealthCheckResponse_ServingStatus,
  HealthCheckResponseSchema,
  HealthListResponseSchema,
  type Health,
  type HealthCheckResponse,
} from "../../gen/grpc/health/v1/health_pb.ts";
import type { ServingStatuses, WatchedStatus } from "./serving.ts";

/** The most services that `List` answers with (gRFC A90). */
const maxListed = 100;

/** Options of {@link grpcHealth}. */
export interface GrpcHealthOptions {
  /** The statuses to answer with. */
  readonly statuses: ServingStatuses;
  /**
   * Brings the status of a known service up to date before `Check` answers,
   * for example by running the health checks. It should reject when the signal
   * aborts. When it rejects, the call fails. Default: nothing.
   */
  readonly refresh?: ((service: string, signal: AbortSignal) => Promise<void>) | undefined;
  /** How many `Watch` calls may be open at the same time. Default 1000. */
  readonly maxWatchers?: number | undefined;
}

/**
 * Implements `grpc.health.v1.Health` as grpc/doc/health-checking.md, gRFC A17
 * and gRFC A90 describe it.
 *
 * - `Check` answers `not_found` for a service that is not known.
 * - `Watch` sends the status at once and then only changes. For a service that
 *   is not known it sends `SERVICE_UNKNOWN` and stays open. On shutdown it
 *   sends a last `NOT_SERVING` and ends with `unavailable`, so that it never
 *   holds up a drain. One call too many gets `resource_exhausted`.
 * - `List` answers with all services, or `resource_exhausted` when there are
 *   more than 100.
 *
 * Throws `invalid_argument` when `maxWatchers` makes no sense.
 */
export function grpcHealth(options: GrpcHealthOptions): ServiceImpl<typeof Health> {
  const { statuses, refresh, maxWatchers = 1_000 } = options;
  if (!(maxWatchers >= 0)) {
    throw configurationError(`grpcHealth: maxWatchers must be 0 or more, not ${maxWatchers}`);
  }
  let watchers = 0;

  return {
    async check({ service }, { signal }) {
      if (refresh !== undefined && statuses.get(service) !== undefined) {
        try {
          await refresh(service, signal);
        } catch (error) {
          throw signal.aborted ? aborted(signal) : error;
        }
      }
      const status = statuses.get(service);
      if (status === undefined) {
        throw new ConnectError(
          `this server has no service ${service}; check the name, or ask List for those it has`,
          Code.NotFound,
        );
      }
      return response(status);
    },

    async *watch({ service }, { signal }) {
      if (watchers >= maxWatchers) {
        throw new ConnectError(
          `this server already has ${maxWatchers} health watchers, its limit; try again later`,
          Code.ResourceExhausted,
        );
      }
      watchers++;
      let open = true;
      const close = (): void => {
        if (open) watchers--;
        open = false;
      };
      // A connection that breaks while a message waits to be sent does not
      // resume this generator, but it does abort the signal.
      signal.addEventListener("abort", close, { once: true });
      try {
        for await (const status of statuses.watch(service, signal)) yield response(status);
      } finally {
        signal.removeEventListener("abort", close);
        close();
      }
      if (signal.aborted) throw aborted(signal);
      throw meshError(
        Code.Unavailable,
        "SHUTTING_DOWN",
        "this server is shutting down; watch another one",
      );
    },

    list() {
      const all = statuses.list();
      if (all.size > maxListed) {
        throw new ConnectError(
          `this server has ${all.size} services, List answers with ${maxListed} at most; use Check`,
          Code.ResourceExhausted,
        );
      }
      const entries = Array.from(all, ([name, status]) => [name, response(status)] as const);
      return create(HealthListResponseSchema, { statuses: Object.fromEntries(entries) });
    },
  };
}

function response(status: WatchedStatus): HealthCheckResponse {
  return create(HealthCheckResponseSchema, { status: HealthCheckResponse_ServingStatus[status] });
}

function aborted(signal: AbortSignal): ConnectError {
  return ConnectError.from(signal.reason, Code.Canceled);
}
