/**
 * Finds a Consul binary for the tests, or unpacks one into `.cache`, without
 * installing anything: Consul 1.8.7 is in the archive of Debian 11. Run as a
 * program, it prints the path.
 */
import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access, cp, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const cache = join(import.meta.dirname, "..", ".cache", "consul");
const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";

/**
 * Path of a Consul binary: `CONSUL_BIN`, else `consul` on the `PATH`, else the
 * one in `.cache/consul`, else one unpacked there from the Debian archive that
 * the system itself uses. Undefined when there is none to be had; the reason
 * is then written to stderr. A `CONSUL_BIN` that cannot run is an error.
 */
export async function consulBinary(): Promise<string | undefined> {
  const named = process.env["CONSUL_BIN"];
  if (named !== undefined && named !== "") {
    if (await isExecutable(named)) return named;
    throw new Error(`CONSUL_BIN is ${named}, which is not an executable file`);
  }
  const cached = join(cache, "consul");
  for (const directory of (process.env["PATH"] ?? "").split(delimiter)) {
    const found = join(directory, "consul");
    if (directory !== "" && (await isExecutable(found))) return found;
  }
  if (await isExecutable(cached)) return cached;
  try {
    await unpack(cached);
    return cached;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    console.error(`No Consul binary could be had from the Debian archive: ${reason}`);
    return undefined;
  }
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/**
 * Works in a directory of its own, and only the last step, which is atomic,
 * touches the target: runs at the same time do each other no harm.
 */
async function unpack(target: string): Promise<void> {
  const uri = await archiveUri();
  if (uri === undefined) {
    throw new Error("the system's apt configuration names no Debian archive; set CONSUL_BIN");
  }
  const work = join(cache, `work-${process.pid}-${Date.now()}`);
  try {
    await mkdir(join(work, "lists", "partial"), { recursive: true });
    await mkdir(join(work, "cache", "archives", "partial"), { recursive: true });
    const signed = (await exists(keyring)) ? `[signed-by=${keyring}] ` : "";
    await writeFile(join(work, "sources.list"), `deb ${signed}${uri} bullseye main\n`);
    const options = [
      `Dir::Etc::sourcelist=${join(work, "sources.list")}`,
      "Dir::Etc::sourceparts=-",
      `Dir::State::lists=${join(work, "lists")}`,
      `Dir::Cache=${join(work, "cache")}`,
      // Root drops to a user who may not write here.
      ...(process.getuid?.() === 0 ? ["APT::Sandbox::User=root"] : []),
    ].flatMap((option) => ["-o", option]);
    const apt = { cwd: work, timeout: 240_000 };
    await run("apt-get", [...options, "--quiet", "update"], apt);
    await run("apt-get", [...options, "--quiet", "download", "consul"], apt);
    const deb = (await readdir(work)).find((name) => name.endsWith(".deb"));
    if (deb === undefined) throw new Error("apt-get downloaded no package");
    await run("dpkg-deb", ["-x", join(work, deb), join(work, "unpacked")], apt);
    const binary = join(work, "consul");
    await cp(join(work, "unpacked", "usr", "bin", "consul"), binary);
    await run(binary, ["version"], apt);
    await rename(binary, target);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** A line or stanza of apt's configuration that names where packages come from. */
interface AptSource {
  readonly uri: string;
  readonly suites: readonly string[];
  readonly components: readonly string[];
  readonly signedBy: string | undefined;
}

/** URI of the main Debian archive in the system's own apt configuration. */
async function archiveUri(): Promise<string | undefined> {
  const release = await readFile("/etc/os-release", "utf8").catch(() => "");
  const codename = /^VERSION_CODENAME=(\S+)$/m.exec(release)?.[1];
  const isDebian = /^ID=debian$/m.test(release);
  const found = (await aptSources()).filter(
    // Not those of security, updates or backports, which lack the package.
    ({ components, suites }) =>
      components.includes("main") && suites.some((suite) => /^\w+$/.test(suite)),
  );
  // Without a keyring of its own, a third party is only told by its suite.
  const isMain = ({ signedBy, suites }: AptSource): boolean =>
    signedBy === undefined
      ? isDebian && codename !== undefined && suites.includes(codename)
      : signedBy.includes("debian-archive");
  return found.find(isMain)?.uri;
}

async function aptSources(): Promise<readonly AptSource[]> {
  const directory = "/etc/apt/sources.list.d";
  const names = (await readdir(directory).catch(() => [])).sort((a, b) => (a < b ? -1 : 1));
  const files = ["/etc/apt/sources.list", ...names.map((name) => join(directory, name))];
  const sources: AptSource[] = [];
  for (const file of files) {
    const text = await readFile(file, "utf8").catch(() => "");
    if (file.endsWith(".list")) sources.push(...lines(text));
    if (file.endsWith(".sources")) sources.push(...stanzas(text));
  }
  return sources;
}

/** One-line style: `deb [signed-by=…] URI suite component…`. */
function lines(text: string): readonly AptSource[] {
  return text.split("\n").flatMap((line) => {
    const parts = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#]*)/.exec(line);
    if (parts === null) return [];
    const [, options = "", uri = "", suite = "", components = ""] = parts;
    const signedBy = /signed-by=(\S+)/i.exec(options)?.[1];
    return [{ uri, suites: [suite], components: words(components), signedBy }];
  });
}

/** Deb822 style: stanzas of `Types`, `URIs`, `Suites`, `Components`, `Signed-By`. */
function stanzas(text: string): readonly AptSource[] {
  const clean = text.replace(/^#.*\n?/gm, "");
  return clean.split(/\n\s*\n/).flatMap((stanza) => {
    const field = (name: string): string | undefined =>
      new RegExp(`^${name}:((?:.*)(?:\\n[ \\t].*)*)`, "im").exec(stanza)?.[1]?.trim();
    const uri = words(field("URIs") ?? "")[0];
    const isOff = /^no$/i.test(field("Enabled") ?? "yes");
    if (uri === undefined || isOff || !words(field("Types") ?? "").includes("deb")) return [];
    const suites = words(field("Suites") ?? "");
    const components = words(field("Components") ?? "");
    return [{ uri, suites, components, signedBy: field("Signed-By") }];
  });
}

function words(text: string): readonly string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const binary = await consulBinary();
  if (binary === undefined) process.exitCode = 1;
  else console.log(binary);
}
