import { channel } from "node:diagnostics_channel";
import type { ConnectError } from "@connectrpc/connect";
import type { CallExplanation } from "./contract/call-explanation.ts";
import type { HealthStatus, Instance } from "./contract/instance.ts";
import type { Target } from "./contract/target.ts";

/**
 * Everything that connect-mesh tells about itself, by name. Each is published
 * on the `node:diagnostics_channel` named `connect-mesh:<name>`; nothing is
 * computed while nobody listens.
 */
export interface MeshEvents {
  /** A component changed its state. */
  "component.state": { component: string; from: string; to: string };
  /** A component's health changed. */
  "health.changed": { component: string; from: HealthStatus | undefined; to: HealthStatus };
  /** An instance was added to a registry, lost by it, added again, or removed. */
  "registry.lease": {
    registry: string;
    instance: Instance;
    state: "registered" | "lost" | "renewed" | "released";
    error?: unknown;
  };
  /** A registry cannot look up a target; callers go on with the last known instances. */
  "registry.stale": { registry: string; target: Target; error: ConnectError };
  /** A registry answers for a target again. */
  "registry.recovered": { registry: string; target: Target };
  /** A registry read something that is not an instance and left it out. */
  "registry.corrupt": { registry: string; source: string; error: unknown };
  /** The instances of a target that a client uses changed. */
  "cluster.changed": {
    target: Target;
    added: readonly string[];
    removed: readonly string[];
    size: number;
  };
  /** A target suddenly had no instances; the last known ones are kept for a grace period. */
  "cluster.kept": { target: Target; instances: readonly string[]; graceMs: number };
  /** The connection to an instance could not be made or broke; it gets no calls until it heals. */
  "peer.lost": { instance: Instance; channel: string; error: unknown };
  /** An instance was ejected because its calls fail; it gets none until it is let back in. */
  "peer.ejected": {
    instance: Instance;
    channel: string;
    why: "success rate" | "failure percentage" | "consecutive failures" | "failed probe";
  };
  /** An instance that was ejected gets calls again. */
  "peer.returned": { instance: Instance; channel: string };
  /** An instance says that a service of it serves again, or no longer, or does not say any more. */
  "peer.health": { instance: Instance; channel: string; service: string; serving: boolean };
  /** A call did not get the channel that it prefers most. */
  "channel.fallback": { service: string; wanted: string; used: string };
  /** A call is tried again, at another instance where there is one. */
  "call.retry": {
    service: string;
    method: string;
    /** How many attempts there were. */
    attempt: number;
    error: ConnectError;
    /** Pause before the next attempt, in milliseconds. */
    afterMs: number;
    why: "unsent" | "refused" | "code" | "pushback";
  };
  /** A further copy of a call is sent while there is no answer. */
  "call.hedge": { service: string; method: string; copy: number };
  /** Why a call went where it went, once it is over. Calls cost more while somebody listens. */
  "call.explained": CallExplanation;
  /** An implementation threw something that is not a `ConnectError`; the caller sees `internal`. */
  "handler.error": { service: string; method: string; error: unknown };
}

/** Name of an event. */
export type MeshEventName = keyof MeshEvents;

/** The diagnostics channel of an event: `connect-mesh:<name>`. */
export function eventChannelName(name: MeshEventName): string {
  return `connect-mesh:${name}`;
}

/** Tells whether anybody listens to an event. The question costs next to nothing, also for each call. */
export function listeners(name: MeshEventName): () => boolean {
  const to = channel(eventChannelName(name));
  return () => to.hasSubscribers;
}

/** Publishes an event; the payload is only made when somebody listens. */
export function publish<N extends MeshEventName>(name: N, payload: () => MeshEvents[N]): void {
  const to = channel(eventChannelName(name));
  if (to.hasSubscribers) to.publish(payload());
}

/** Listens to an event. Returns the function that ends it. */
export function subscribe<N extends MeshEventName>(
  name: N,
  listener: (event: MeshEvents[N]) => void,
): () => void {
  const to = channel(eventChannelName(name));
  const onMessage = (message: unknown): void => {
    listener(message as MeshEvents[N]);
  };
  to.subscribe(onMessage);
  return () => {
    to.unsubscribe(onMessage);
  };
}
