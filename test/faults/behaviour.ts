import type { MeshOptions, TlsRenewal } from "../../src/index.ts";

/** How a server of a scenario answers; what is left out is as it should be. */
export interface Behaviour {
  /** Time that a call takes, in milliseconds. Default 5. */
  readonly delayMs?: number | undefined;
  /** Time that a call takes while all others wait for it, in milliseconds; it goes on when its caller gave up. Default 0. */
  readonly queueMs?: number | undefined;
  /** Share of the calls that fail at once, from 0 to 1. Default 0. */
  readonly failing?: number | undefined;
  /** Code that they fail with. Default `unavailable`. */
  readonly code?: number | undefined;
  /** Blocks the event loop once, for so many milliseconds. Default 0. */
  readonly stallMs?: number | undefined;
  /** Makes the messages of its streams as fast as it can and keeps them, whether or not they are read. Default false. */
  readonly hoards?: boolean | undefined;
}

/** What a server process is started with. */
export interface ServerInit {
  /** Name that it answers with. */
  readonly id: string;
  readonly limits?: MeshOptions["limits"];
  readonly concurrency?: MeshOptions["concurrency"];
  readonly behaviour?: Behaviour | undefined;
  /** Network namespace to run in, and the address to listen at there. Default that of this process, and the loopback. */
  readonly network?: { readonly name: string; readonly address: string } | undefined;
  /** Where to listen outside of a network namespace. Default a free port of the loopback. */
  readonly listen?: { readonly host: string; readonly port?: number } | undefined;
  /** Zone that the registry says it is in. Default none. */
  readonly zone?: string | undefined;
  /** Certificates, in PEM; with `requestCert` callers need some too. Default no TLS. */
  readonly tls?: (TlsFiles & { readonly requestCert?: boolean }) | undefined;
  /** Whether its wall clock obeys {@link Order}s. Default false. */
  readonly ownClock?: boolean | undefined;
  /** File descriptors that it may have; default as many as this process. */
  readonly descriptors?: number | undefined;
}

/** What TLS is renewed with, as far as JSON can say it. */
export type TlsFiles = { readonly [K in keyof TlsRenewal & ("ca" | "cert" | "key")]?: string };

/** What a server has seen so far. */
export interface Seen {
  /** Calls that were carried out, or begun. */
  readonly calls: number;
  /** Calls by the text of their request, of those that came more than once. */
  readonly repeated: number;
  /** Calls whose handler was told to stop. */
  readonly aborted: number;
  /** When that last happened, in milliseconds since 1970. */
  readonly abortedAt: number;
  /** Handlers that run now. */
  readonly running: number;
  /** Most handlers that ran at the same time. */
  readonly most: number;
  /** Resident memory, in MiB. */
  readonly rssMiB: number;
}

/** What the runner tells a server. */
export type Order =
  | { readonly behave: Behaviour }
  | { readonly ask: number }
  | { readonly renew: TlsFiles; readonly ask: number }
  /** Ends all HTTP/2 connections: by a GOAWAY, after which what runs finishes, or without a word. */
  | { readonly end: "goaway" | "cut" }
  /** Sets the wall clock forward by so many milliseconds, compared with that of the machine. */
  | { readonly clock: number };

/** What a server tells the runner. */
export type Report = { readonly ready: string } | { readonly answer: number; readonly seen: Seen; readonly refused?: string | undefined };
