import { Code, ConnectError } from "@connectrpc/connect";
import { connectionError } from "../../src/protocol/progress.ts";
import type { Limiter } from "../../src/resilience/limiter.ts";
import { overloaded } from "../../src/resilience/overload.ts";
import type { Draw, Random } from "./random.ts";
import type { VirtualTime } from "./virtual-time.ts";
import { Windows } from "./windows.ts";

/**
 * `serving` answers; `failing` answers `unavailable` within a millisecond;
 * `hanging` accepts and never answers; `down` cannot be reached.
 */
export type Mode = "serving" | "failing" | "hanging" | "down";

/** What an instance is made of. */
export interface SimInstanceInit {
  /** How long the work for a call takes. */
  readonly work: Draw;
  /** How many calls are worked on at the same time; others queue. Default: all. */
  readonly servers?: number | undefined;
  /** Where it runs. Default nowhere. */
  readonly zone?: string | undefined;
  /** What it admits; what is beyond is refused as the mesh's server does. Default everything. */
  readonly limiter?: Limiter | undefined;
}

/** Told how a call ended. */
export type Reply = (error: ConnectError | undefined) => void;

interface Job {
  readonly reply: Reply;
  readonly arrivedMs: number;
}

const failure = new ConnectError("the simulated instance fails", Code.Unavailable);
const refused = connectionError("the simulated instance cannot be reached", "unsent");
/** How many different refusals an instance has: making one takes longer than all else here. */
const refusals = 64;
const cut = connectionError("the simulated instance went away", "sent");

/**
 * An instance as its callers see it: a queue before a number of servers. It
 * goes on with calls whose caller has given up, which is what makes overload
 * dangerous.
 */
export class SimInstance {
  readonly id: string;
  readonly zone: string | undefined;
  /** Attempts that came here. */
  readonly arrivals: Windows = new Windows();
  mode: Mode = "serving";
  /** What all work takes now. */
  work: Draw;
  readonly #servers: number;
  readonly #limiter: Limiter | undefined;
  readonly #time: VirtualTime;
  readonly #random: Random;
  readonly #refusals: ConnectError[] = [];
  #waiting: Job[] = [];
  #next = 0;
  #running = 0;
  /** Grows with each crash: what was begun before does not end. */
  #life = 0;
  #open = new Set<Job>();

  constructor(id: string, init: SimInstanceInit, time: VirtualTime, random: Random) {
    this.id = id;
    this.zone = init.zone;
    this.work = init.work;
    this.#servers = init.servers ?? Infinity;
    this.#limiter = init.limiter;
    this.#time = time;
    this.#random = random;
  }

  /** Takes a call. */
  handle(reply: Reply): void {
    this.arrivals.add(this.#time.now());
    if (this.mode === "hanging") return;
    if (this.mode === "down") this.#later(0.5, reply, refused);
    else if (this.mode === "failing") this.#later(1, reply, failure);
    else if (this.#limiter?.acquire() === false) {
      this.#later(0.2, reply, this.#refusal());
    } else this.#admit({ reply, arrivedMs: this.#time.now() });
  }

  /** Dies with all that it runs, as by SIGKILL. */
  crash(): void {
    this.mode = "down";
    this.#life++;
    this.#running = 0;
    this.#waiting = [];
    this.#next = 0;
    const open = [...this.#open];
    this.#open.clear();
    for (const { reply } of open) reply(cut);
  }

  #refusal(): ConnectError {
    const at = Math.floor(this.#random() * refusals);
    const options = { random: this.#random };
    return (this.#refusals[at] ??= overloaded("a simulated instance runs as many calls as it may", options));
  }

  #later(ms: number, reply: Reply, error: ConnectError): void {
    this.#time.after(ms, () => {
      reply(error);
    });
  }

  #admit(job: Job): void {
    if (this.#servers !== Infinity) this.#open.add(job);
    if (this.#running >= this.#servers) this.#waiting.push(job);
    else this.#start(job);
  }

  #start(job: Job): void {
    this.#running++;
    const life = this.#life;
    this.#time.after(this.work(this.#random), () => {
      if (life === this.#life) this.#end(job);
    });
  }

  #end(job: Job): void {
    this.#running--;
    this.#open.delete(job);
    this.#limiter?.release(this.#time.now() - job.arrivedMs);
    const next = this.#waiting[this.#next];
    if (next !== undefined) {
      this.#next++;
      if (this.#next > 1_000 && this.#next * 2 > this.#waiting.length) {
        this.#waiting = this.#waiting.slice(this.#next);
        this.#next = 0;
      }
      this.#start(next);
    }
    job.reply(undefined);
  }
}
