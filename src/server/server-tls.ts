import { createSecureContext } from "node:tls";
import { configurationError, errorText } from "../error.ts";
import type { ServerTlsOptions } from "./options.ts";

/** What can be renewed while a server runs. */
export type TlsRenewal = Pick<
  ServerTlsOptions,
  "ca" | "cert" | "crl" | "key" | "passphrase" | "pfx" | "ticketKeys"
>;

/** TLS of a server whose certificates can be renewed. Made by {@link serverTls}. */
export class ServerTls {
  #options: ServerTlsOptions;
  readonly #followers: Set<(options: ServerTlsOptions) => void> = new Set();

  /** Use {@link serverTls}. */
  constructor(options: ServerTlsOptions) {
    this.#options = checked(options, "the TLS options");
  }

  /** The options that new connections get now. */
  get options(): ServerTlsOptions {
    return this.#options;
  }

  /**
   * Gives new connections other certificates; those in place go on with what
   * they agreed on, at most for `limits.maxConnectionAgeMs`. What is left out
   * stays, except that `cert` and `key` take the place of `pfx`, and `pfx` that
   * of all three. Throws a configuration error for what cannot work, and then
   * nothing has changed. TLS sessions from before are not resumed, unless they
   * were made with `ticketKeys` of your own: renew these together with `ca`.
   */
  renew(renewal: TlsRenewal): void {
    // An option that is undefined is left out: without `ca`, Node trusts every public authority.
    const given = Object.fromEntries(Object.entries(renewal).filter(([, value]) => value !== undefined));
    this.#options = checked({ ...withoutReplaced(this.#options, renewal), ...given }, "the new TLS options");
    for (const apply of this.#followers) apply(this.#options);
  }

  /** Tells a server of each renewal. Returns the function that ends it. */
  follow(apply: (options: ServerTlsOptions) => void): () => void {
    this.#followers.add(apply);
    return () => void this.#followers.delete(apply);
  }
}

/**
 * TLS for `listen.tls` whose certificates can be renewed while the mesh runs:
 * call `renew` on what this returns. Throws a configuration error for options
 * that cannot work.
 */
export function serverTls(options: ServerTlsOptions): ServerTls {
  return new ServerTls(options);
}

/** Throws a configuration error that begins with a text, unless there is a certificate and its key. */
export function requireCertificate({ cert, key, pfx }: ServerTlsOptions, what: string): void {
  if (pfx === undefined && (cert === undefined || key === undefined)) {
    throw configurationError(`${what} no certificate: set cert and key, or pfx`);
  }
}

function checked(options: ServerTlsOptions, what: string): ServerTlsOptions {
  requireCertificate(options, `${what} have`);
  try {
    // Before a server does: it keeps half of what it fails with.
    createSecureContext(options);
  } catch (error) {
    throw configurationError(`${what} cannot be used: ${errorText(error)}`);
  }
  return options;
}

/** Options without those whose place others take. */
function withoutReplaced(current: ServerTlsOptions, { cert, key, pfx }: TlsRenewal): ServerTlsOptions {
  if (pfx !== undefined) {
    const { cert: _cert, key: _key, passphrase: _passphrase, ...kept } = current;
    return kept;
  }
  if (cert === undefined && key === undefined) return current;
  const { pfx: _pfx, ...kept } = current;
  return kept;
}
