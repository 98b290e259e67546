import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);
let made = 0;

function ip(...args: readonly string[]): Promise<unknown> {
  return run("ip", args, { timeout: 10_000 });
}

/** Why this machine cannot make network namespaces; undefined when it can. */
export async function lacksNamespaces(): Promise<string | undefined> {
  const name = `mesh-probe-${process.pid}`;
  try {
    await ip("netns", "add", name);
    await ip("netns", "del", name);
    return undefined;
  } catch (error) {
    return `this machine cannot make network namespaces (${error instanceof Error ? error.message.split("\n")[0] : String(error)})`;
  }
}

/** A network of its own that a pair of virtual cards connects with the machine's. Disposing removes it. */
export class NetworkNamespace implements AsyncDisposable {
  readonly name: string;
  /** Address of processes inside. */
  readonly address: string;
  readonly #outside: string;

  private constructor(name: string, net: string) {
    this.name = name;
    this.address = `${net}.2`;
    this.#outside = `${net}.1`;
  }

  /** Makes one. Needs root. */
  static async create(): Promise<NetworkNamespace> {
    const at = made++;
    const [name, card] = [`mesh-${process.pid}-${at}`, `m${process.pid}v${at}`];
    const of = new NetworkNamespace(name, `10.203.${at % 256}`);
    await ip("netns", "add", name);
    try {
      await ip("link", "add", `${card}a`, "type", "veth", "peer", "name", `${card}b`, "netns", name);
      await ip("addr", "add", `${of.#outside}/30`, "dev", `${card}a`);
      await ip("link", "set", `${card}a`, "up");
      await ip("-n", name, "addr", "add", `${of.address}/30`, "dev", `${card}b`);
      await ip("-n", name, "link", "set", `${card}b`, "up");
    } catch (error) {
      await of[Symbol.asyncDispose]();
      throw error;
    }
    return of;
  }

  /** Lets nothing out any more: what is sent vanishes without a word. */
  async cut(): Promise<void> {
    await ip("-n", this.name, "route", "add", "blackhole", `${this.#outside}/32`);
  }

  /** Ends {@link cut}. */
  async heal(): Promise<void> {
    await ip("-n", this.name, "route", "del", "blackhole", `${this.#outside}/32`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Takes its card with it, and so the other end.
    await ip("netns", "del", this.name);
  }
}
