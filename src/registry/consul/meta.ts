import { configurationError } from "../../error.ts";

/** Version of the meta layout, in the key `mesh`. */
export const layout = "1";

/** Prefix of the keys that hold an address of one channel. */
export const channelPrefix = "channel-";

/** Whether a meta key is one of the layout's own, and so no user metadata. */
export function isOwnKey(key: string): boolean {
  return (
    key === "mesh" ||
    key === "channels" ||
    key === "scheme" ||
    key === "version" ||
    key === "zone" ||
    key.startsWith(channelPrefix)
  );
}

/**
 * Checks meta against Consul's limits: 64 pairs, keys of at most 128 of
 * `[A-Za-z0-9_-]` without the prefix `consul-`, values of at most 512 bytes.
 * Throws `invalid_argument` that names the key: nothing is ever cut.
 */
export function checkMeta(component: string, meta: Readonly<Record<string, string>>): void {
  const wrong = (text: string): Error =>
    configurationError(`"${component}" does not fit into Consul: ${text}`);
  const pairs = Object.entries(meta);
  if (pairs.length > 64) {
    throw wrong(
      `${pairs.length} meta pairs, but at most 64 are possible, those of the mesh included. ` +
        `Keep larger data elsewhere`,
    );
  }
  for (const [key, value] of pairs) {
    const name = JSON.stringify(key);
    if (!/^[A-Za-z0-9_-]{1,128}$/.test(key)) {
      throw wrong(`the meta key ${name} is not 1 to 128 of A-Z a-z 0-9 _ -`);
    }
    if (key.startsWith("consul-")) {
      throw wrong(`the meta key ${name} starts with "consul-", which Consul reserves`);
    }
    const bytes = Buffer.byteLength(value);
    if (bytes > 512) throw wrong(`the value of ${name} has ${bytes} bytes, but only 512 fit`);
  }
}
