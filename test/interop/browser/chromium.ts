import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const flags = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--disable-dev-shm-usage",
  "--disable-breakpad",
  "--no-first-run",
  // Nothing but what the page itself asks for.
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--enable-logging=stderr",
];

/** A Chromium without a window that shows a page. Disposing ends it. */
export interface Browser extends AsyncDisposable {
  /** Rejects when it ends by itself, with what it said. */
  readonly ended: Promise<never>;
  /** What it said until now: messages of the console among much else. */
  log(): string;
}

/** Opens a page in a Chromium of its own, with a new profile. */
export async function openPage(binary: string, url: string): Promise<Browser> {
  const profile = await mkdtemp(join(tmpdir(), "connect-mesh-chromium-"));
  // A group of its own, so that all of its processes can be ended.
  const child = spawn(binary, [...flags, `--user-data-dir=${profile}`, url], {
    detached: true,
    stdio: ["ignore", "ignore", "pipe"],
    // It has no time to clean up.
    env: { ...process.env, TMPDIR: profile },
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
  const kill = (): void => {
    try {
      process.kill(-(child.pid ?? 0), "SIGKILL");
    } catch {
      // It has ended.
    }
  };
  // A test that dies must not leave a browser behind.
  process.once("exit", kill);
  const exited = new Promise<void>((resolve) => {
    child.once("error", (error) => {
      said += error.message;
      resolve();
    });
    child.once("exit", () => {
      resolve();
    });
  });
  const ended = exited.then(() => {
    throw new Error(`Chromium ended:\n${said}`);
  });
  ended.catch(() => {
    // Whoever waits for it hears of it.
  });
  if (child.pid !== undefined) await once(child, "spawn").catch(() => undefined);
  return {
    ended,
    log: () => said.replaceAll(/^.*dbus.*\n/gm, ""),
    [Symbol.asyncDispose]: async () => {
      if (child.pid !== undefined) kill();
      await exited;
      process.removeListener("exit", kill);
      await rm(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    },
  };
}
