import type { BenchMessage } from "./messages.ts";

/** The server's side of a contender, in a process of its own. */
export interface ContenderServer {
  /** What clients need to find it: an address, a port. */
  readonly address: string;
  close(): Promise<void>;
}

/** The client's side of a contender, in a process of its own. */
export interface ContenderClient {
  /** Prepares a call that echoes the message once and checks nothing but that it came back. */
  unary(message: BenchMessage): () => Promise<unknown>;
  /** Reads a stream of small messages; resolves to how many came. Undefined when it has no streams. */
  readonly stream?: ((count: number) => Promise<number>) | undefined;
  close(): Promise<void>;
}

/** One way to make a call, measured against the others. */
export interface Contender {
  readonly name: string;
  /** Messages that it cannot carry as they are. */
  readonly without?: readonly string[] | undefined;
  /** Whether its calls stay in the client's process. Default false. */
  readonly local?: boolean | undefined;
  serve(): Promise<ContenderServer>;
  connect(address: string): Promise<ContenderClient>;
}

/** The server of one contender called by the client of another. */
export function crossed(name: string, server: Contender, client: Contender): Contender {
  return {
    name,
    serve: () => server.serve(),
    connect: (address) => client.connect(address),
  };
}
