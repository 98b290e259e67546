// A client of scripts/registry-scale.ts as a process of its own. Options come as JSON in
// argv[2]. It tells its parent of each change, and what it has used when asked.
import { GreetService } from "../gen/greet/v1/greet_pb.ts";
import { consul, createMesh, subscribe } from "../src/index.ts";

/** What a client is started with: options of the registry. */
export interface ClientInit {
  readonly address: string;
  readonly requestsPerSecond?: number | undefined;
}

/** Seconds of CPU that a client has used since its start, and its resident memory. */
export interface Used {
  readonly cpuSeconds: number;
  readonly rssMiB: number;
}

/** What a client tells the runner: what it has used, or the instances that it began and ceased to use, and when in milliseconds since 1970. */
export type Told =
  | Used
  | { readonly added: readonly string[]; readonly removed: readonly string[]; readonly size: number; readonly atMs: number };

/** What the runner wants of a client: to say what it has used, perhaps after a call. */
export type Wanted = "used" | "call";

function tell(told: Told): void {
  process.send?.(told);
}

process.once("disconnect", () => process.exit(1));
const mesh = createMesh({ registry: consul(JSON.parse(process.argv[2] ?? "{}") as ClientInit) });
const client = mesh.client(GreetService);
subscribe("cluster.changed", ({ added, removed, size }) => {
  tell({ added, removed, size, atMs: performance.timeOrigin + performance.now() });
});
process.on("message", (wanted: Wanted) => {
  const used = (): void => {
    const { user, system } = process.cpuUsage();
    tell({ cpuSeconds: (user + system) / 1e6, rssMiB: process.memoryUsage.rss() / 2 ** 20 });
  };
  if (wanted === "used") used();
  // A failed call ends the process, which the runner hears of.
  else void client.greet({ name: "scale" }).then(used);
});
