// Loaded into a process before all else: what surrounds it then obeys orders from its parent.
import dns from "node:dns";
import type { LookupAddress, LookupOptions } from "node:dns";

/** Orders to these surroundings. */
export type SurroundingsOrder =
  /** Sets the wall clock forward by so many milliseconds, compared with that of the machine. */
  | { readonly clock: number }
  /** Addresses of host names; null for one that does not exist. Others are looked up as ever. */
  | { readonly hosts: Readonly<Record<string, string | null>> };

type LookedUp = (error: NodeJS.ErrnoException | null, address?: string | LookupAddress[], family?: number) => void;

let forwardMs = 0;
let hosts: Readonly<Record<string, string | null>> = {};
let lookedUp = 0;

/** How often a host name that orders speak of was looked up. */
export function lookups(): number {
  return lookedUp;
}

/** Does what an order says. */
export function obey(order: SurroundingsOrder): void {
  if ("clock" in order) forwardMs = order.clock;
  else hosts = order.hosts;
}

process.on("message", (message: object) => {
  if ("clock" in message || "hosts" in message) obey(message as SurroundingsOrder);
});

const MachineDate = Date;
const now = (): number => MachineDate.now() + forwardMs;
globalThis.Date = new Proxy(MachineDate, {
  construct: (target, args, made) => Reflect.construct(target, args.length === 0 ? [now()] : args, made) as object,
  apply: () => new MachineDate(now()).toString(),
  get: (target, key) => (key === "now" ? now : (Reflect.get(target, key) as unknown)),
});

const lookup = dns.lookup as (host: string, options: LookupOptions, done: LookedUp) => void;
// What connects asks the module for it each time.
Object.assign(dns, {
  lookup: (host: string, options: LookupOptions, done: LookedUp): void => {
    const address = hosts[host];
    if (address === undefined) {
      lookup(host, options, done);
      return;
    }
    lookedUp++;
    setImmediate(() => {
      if (address === null) done(Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: "ENOTFOUND" }));
      else if (options.all === true) done(null, [{ address, family: 4 }]);
      else done(null, address, 4);
    });
  },
});
