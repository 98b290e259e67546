import type { Goal } from "./goal.ts";
import { coldInstance } from "./goals/cold-instance.ts";
import { failingInstance } from "./goals/failing-instance.ts";
import { fleetSize } from "./goals/fleet-size.ts";
import { hangingInstance } from "./goals/hanging-instance.ts";
import { hashRing } from "./goals/hash-ring.ts";
import { newInstance } from "./goals/new-instance.ts";
import { outage } from "./goals/outage.ts";
import { overload } from "./goals/overload.ts";
import { restarts } from "./goals/restarts.ts";
import { slowInstance } from "./goals/slow-instance.ts";
import { stragglers } from "./goals/stragglers.ts";
import { unequalInstances } from "./goals/unequal-instances.ts";
import { zones } from "./goals/zones.ts";

/** All that the simulation shows. */
export const goals: readonly Goal[] = [
  slowInstance,
  unequalInstances,
  failingInstance,
  outage,
  newInstance,
  coldInstance,
  overload,
  hashRing,
  stragglers,
  hangingInstance,
  fleetSize,
  zones,
  restarts,
];
