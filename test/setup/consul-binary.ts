import { consulBinary } from "../../scripts/consul-binary.ts";

/**
 * Finds the Consul binary once for all tests and names it in `CONSUL_BIN`.
 * Without one, tests that need it are skipped; under CI that is an error, so
 * that they are never skipped unseen.
 */
export async function setup(): Promise<void> {
  const binary = await consulBinary();
  if (binary !== undefined) {
    process.env["CONSUL_BIN"] = binary;
    return;
  }
  if (process.env["CI"] !== undefined) {
    throw new Error("The tests need a Consul binary: set CONSUL_BIN, or put consul on the PATH");
  }
  console.warn("\n*** No Consul binary: ALL CONSUL TESTS ARE SKIPPED. Set CONSUL_BIN. ***\n");
}
