import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A certificate and its key, in PEM. */
export interface TestCertificate {
  readonly cert: string;
  readonly key: string;
}

const read = (name: string): string =>
  readFileSync(join(import.meta.dirname, "..", "fixtures", "tls", name), "utf8");

/** One of the certificates in `test/fixtures/tls`, which says how they were made. */
export function certificate(name: "server" | "client" | "stranger"): TestCertificate {
  return { cert: read(`${name}.pem`), key: read(`${name}.key`) };
}

/** The authority of `server` and `client`. */
export const testCa: string = read("ca.pem");
