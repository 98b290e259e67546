import type { Balancer } from "./balancer.ts";

/** Every call goes to the first peer, in order of instance id: for tests and fixed primaries. */
export function first(): Balancer {
  return (peers) => {
    const peer = peers[0];
    return () => peer;
  };
}
