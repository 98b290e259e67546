import { Code } from "@connectrpc/connect";
import type { ConnectError } from "@connectrpc/connect";
import type { Channel } from "../channel/channel.ts";
import { meshError } from "../error.ts";
import type { Cluster } from "./cluster.ts";

/**
 * Why there is no peer to call now.
 *
 * @param last what the call failed with before
 */
export function noPeer(cluster: Cluster, channels: readonly Channel[], last: ConnectError | undefined): ConnectError {
  const { target, state } = cluster.discovery;
  const service = target.service;
  if (cluster.size === 0) {
    const stale = state.value?.stale;
    const of = target.component === undefined ? "" : ` of component ${target.component}`;
    return stale === undefined
      ? meshError(
          Code.Unavailable,
          "NO_INSTANCE",
          `no instance${of} serves ${service}; start one, or check which registry it is in`,
          { metadata: { service } },
        )
      : meshError(
          Code.Unavailable,
          "REGISTRY_UNAVAILABLE",
          `no instance of ${service} is known: ${stale.error.rawMessage}`,
          { metadata: { service }, cause: stale.error },
        );
  }
  const offered = cluster.offered();
  const wanted = channels.map(({ name }) => name);
  const suitable = channels.find(({ name }) => offered.includes(name));
  if (suitable !== undefined) return last ?? nonePicked(cluster.members(suitable).length, service);
  return meshError(
    Code.FailedPrecondition,
    "NO_CHANNEL",
    `no instance of ${service} offers the channel ${wanted.join(", ")}; offered: ${offered.join(", ")}`,
    { metadata: { service, wanted: wanted.join(","), offered: offered.join(",") } },
  );
}

/** What a call waits for while nothing is known of instances yet. */
export function notYetKnown(service: string): ConnectError {
  return meshError(
    Code.Unavailable,
    "REGISTRY_UNAVAILABLE",
    `the registry has not answered yet where ${service} is; check that it can be reached`,
    { metadata: { service } },
  );
}

/**
 * What a call fails with that waited when its mesh was closed.
 *
 * @param cause what it waited for, or failed with
 */
export function closedMeanwhile(cause: ConnectError | undefined): ConnectError {
  const why = cause === undefined ? "" : `: ${cause.rawMessage}`;
  const text = `the mesh was closed while the call waited${why}`;
  return meshError(Code.Unavailable, "MESH_CLOSED", text, { cause });
}

function nonePicked(count: number, service: string): ConnectError {
  return meshError(
    Code.Unavailable,
    "NO_INSTANCE",
    `the balancer picked none of ${count} ${count === 1 ? "instance" : "instances"} of ${service}; check what it leaves out`,
    { metadata: { service } },
  );
}
