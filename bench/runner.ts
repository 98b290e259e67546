import type { Cell, Measured, Sample } from "./cell.ts";
import { contenderOf } from "./contenders.ts";
import { WorkerProcess } from "./worker-process.ts";
import type { Usage } from "./worker.ts";

/** What a {@link Runner} saw. */
export type Seen = Omit<Sample, "contender" | "cell" | "round">;

/** A contender that is running: its server and its client. */
export interface Runner {
  readonly key: string;
  readonly name: string;
  /** Whether it can be measured with a cell at all. */
  takes(cell: Cell): boolean;
  /** Calls for a time, so that the code is compiled and the connections are there. */
  warm(cell: Cell, forMs: number): Promise<void>;
  measure(cell: Cell, forMs: number): Promise<Seen>;
  close(): Promise<void>;
}

/** Starts a contender, a process for each side. */
export async function startRunner(key: string): Promise<Runner> {
  const { name, without = [], local = false } = await contenderOf(key);
  const [server, client] = [new WorkerProcess(), new WorkerProcess()];
  const close = async (): Promise<void> => {
    await client.close();
    await server.close();
  };
  const load = (cell: Cell, forMs: number): Promise<Measured> =>
    client.ask<Measured>({ do: "load", cell, forMs }, forMs + 60_000);
  const usage = (): Promise<readonly [Usage, Usage]> =>
    Promise.all([server.ask<Usage>({ do: "usage" }), client.ask<Usage>({ do: "usage" })]);
  let streams: boolean;
  try {
    const address = await server.ask<string>({ do: "serve", contender: key });
    streams = await client.ask<boolean>({ do: "connect", contender: key, address });
  } catch (error) {
    await close();
    throw error;
  }
  return {
    key,
    name,
    takes: ({ kind, message }) =>
      (kind === "local") === local && !without.includes(message) && (kind !== "stream" || streams),
    // A connection that was idle may be closed by the other side at this moment; that is not what is measured.
    warm: async (cell, forMs) => void (await load(cell, forMs).catch(() => load(cell, forMs))),
    async measure(cell, forMs) {
      await usage();
      const seen = await load(cell, forMs);
      const [served, called] = await usage();
      return {
        ...seen,
        serverUs: (served.cpuMs * 1_000) / seen.calls,
        clientUs: (called.cpuMs * 1_000) / seen.calls,
        serverRssMb: served.rssMb,
        clientRssMb: called.rssMb,
      };
    },
    close,
  };
}
