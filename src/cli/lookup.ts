import { Code } from "@connectrpc/connect";
import type { Instance } from "../contract/instance.ts";
import { errorText, meshError } from "../error.ts";
import { registryFromText } from "../registry/from-env.ts";
import type { ListableRegistry } from "../registry/registry.ts";
import type { Io } from "./io.ts";
import { timeoutMs } from "./options.ts";
import type { Values } from "./options.ts";
import { didYouMean, UsageError } from "./usage-error.ts";

/** How long a registry, or one instance, may take to answer, in milliseconds. */
const lookMs = 10_000;

/** A registry, and where it is. */
export interface Place {
  readonly registry: ListableRegistry;
  /** In the form of `MESH_REGISTRY`, for messages. */
  readonly where: string;
}

/** The registry of `--registry`, `MESH_REGISTRY`, or the default. Throws a {@link UsageError}. */
export function openRegistry({ registry: given }: Values, { env }: Io): Place {
  const where = given ?? env["MESH_REGISTRY"] ?? "file:";
  const variable = given === undefined ? "MESH_REGISTRY" : "--registry";
  if (where === "memory:") {
    throw new UsageError(`${variable} is memory:, which only its own process can look into`);
  }
  try {
    return { where, registry: registryFromText(where, variable) };
  } catch (error) {
    throw new UsageError(errorText(error));
  }
}

/** Everything in the registry, or the instances of one component, which must be there. */
export async function listed(
  { registry, where }: Place,
  values: Values,
  io: Io,
  component?: string,
): Promise<readonly Instance[]> {
  const all = await inTime(values, io, `the registry ${where}`, (signal) => registry.list(signal));
  if (component === undefined) return all;
  const own = all.filter((of) => of.component === component);
  if (own.length > 0) return own;
  const near = didYouMean(component, new Set(all.map((of) => of.component)));
  throw meshError(
    Code.NotFound,
    "NO_INSTANCE",
    `no instance of component ${component} is in the registry ${where}` +
      (near === undefined ? "; mesh ls lists what is" : `; ${near}`),
  );
}

/** Waits for something for `--timeout`, or 10 s. Rejects with `deadline_exceeded` after it. */
export async function inTime<T>(
  { timeout }: Values,
  io: Io,
  who: string,
  ask: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const ms = timeout === undefined ? lookMs : timeoutMs(timeout);
  const late = AbortSignal.timeout(ms);
  try {
    return await ask(AbortSignal.any([io.signal, late]));
  } catch (error) {
    if (!late.aborted || io.signal.aborted) throw error;
    throw meshError(Code.DeadlineExceeded, "DEADLINE_EXCEEDED", `${who} did not answer within ${ms} ms`);
  }
}
