import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { TestCertificate } from "../support/tls.ts";

const run = promisify(execFile);

/** Why this machine cannot make certificates; undefined when it can. */
export async function lacksOpenssl(): Promise<string | undefined> {
  try {
    await run("openssl", ["version"]);
    return undefined;
  } catch {
    return "this machine has no openssl to make certificates with";
  }
}

/** An authority that was made for one scenario. Disposing removes its files. */
export class Authority implements AsyncDisposable {
  readonly #dir: string;
  #cert = "";

  private constructor(dir: string) {
    this.#dir = dir;
  }

  /** Makes one. Needs OpenSSL. */
  static async create(name: string): Promise<Authority> {
    const authority = new Authority(await mkdtemp(join(tmpdir(), "mesh-authority-")));
    try {
      await writeFile(authority.#file("ca.cnf"), authority.#settings());
      const extensions = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n";
      const self = ["-selfsign", "-keyfile", authority.#file("ca.key")];
      authority.#cert = (await authority.#make("ca", `/CN=${name}`, extensions, new Date(Date.now() + 3_600_000), self)).cert;
    } catch (error) {
      await authority[Symbol.asyncDispose]();
      throw error;
    }
    return authority;
  }

  /** Its own certificate, in PEM. */
  get cert(): string {
    return this.#cert;
  }

  /** A certificate for servers on the loopback and for clients. @param untilMs when it ends, in milliseconds since 1970 */
  async issue(name: string, untilMs: number = Date.now() + 3_600_000): Promise<TestCertificate> {
    const extensions = "subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n";
    const by = ["-cert", this.#file("ca.pem"), "-keyfile", this.#file("ca.key")];
    return this.#make(name, `/CN=${name}`, extensions, new Date(untilMs), by);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#dir, { recursive: true, force: true });
  }

  #file(name: string): string {
    return join(this.#dir, name);
  }

  #settings(): string {
    const files = `database = ${this.#file("index")}\nserial = ${this.#file("serial")}\nnew_certs_dir = ${this.#dir}`;
    return `[ca]\ndefault_ca = own\n[own]\n${files}\npolicy = any\ndefault_md = sha256\nunique_subject = no\n[any]\ncommonName = supplied\n`;
  }

  async #make(name: string, subject: string, extensions: string, until: Date, by: readonly string[]): Promise<TestCertificate> {
    const [key, cert, request] = [this.#file(`${name}.key`), this.#file(`${name}.pem`), this.#file(`${name}.csr`)];
    await writeFile(this.#file("index"), "");
    await writeFile(this.#file(`${name}.ext`), extensions);
    await run("openssl", ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key]);
    await run("openssl", ["req", "-new", "-key", key, "-subj", subject, "-out", request]);
    const dates = ["-startdate", "20200101000000Z", "-enddate", utc(until)];
    const files = ["-in", request, "-extfile", this.#file(`${name}.ext`), "-out", cert];
    await run("openssl", ["ca", "-batch", "-notext", "-config", this.#file("ca.cnf"), "-rand_serial", ...dates, ...files, ...by]);
    return { cert: await readFile(cert, "utf8"), key: await readFile(key, "utf8") };
  }
}

/** `20260102030405Z`. */
function utc(date: Date): string {
  return `${date.toISOString().replace(/\D/g, "").slice(0, 14)}Z`;
}
