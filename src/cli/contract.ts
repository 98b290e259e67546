import type { DescMethod, FileRegistry } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Transport } from "@connectrpc/connect";
import type { Instance } from "../contract/instance.ts";
import { errorText, reasonOf } from "../error.ts";
import { direct, directAddress } from "./direct.ts";
import { readImage } from "./image.ts";
import type { Io } from "./io.ts";
import { inTime } from "./lookup.ts";
import type { Values } from "./options.ts";
import { reflect, reflectServices } from "./reflect.ts";
import { didYouMean, UsageError } from "./usage-error.ts";

/** How many instances are asked for the contract before it is given up. */
const maxAsked = 3;

/** A method as it is typed: `greet.v1.GreetService/Greet`. */
export interface MethodPath {
  readonly service: string;
  readonly method: string;
}

/** Reads `package.Service/Method`. Throws a {@link UsageError} for anything else. */
export function parseMethodPath(text: string): MethodPath {
  const [, service, method] = /^\/?([\w.]+)\/(\w+)$/.exec(text) ?? [];
  if (service !== undefined && method !== undefined) return { service, method };
  const [, before, after] = /^([\w.]+)\.(\w+)$/.exec(text) ?? [];
  throw new UsageError(
    `${text} is not a method: write PACKAGE.SERVICE/METHOD`,
    before === undefined ? undefined : `did you mean ${before}/${after}?`,
  );
}

/** The contract of a service: from `--image`, else by reflection of one of the instances. */
export async function readContract(
  service: string,
  instances: readonly Instance[],
  values: Values,
  io: Io,
): Promise<FileRegistry> {
  if (values.image !== undefined) return (await readImage(values.image)).files;
  let last: ConnectError | undefined;
  for (const of of instances.slice(0, maxAsked)) {
    try {
      return await reflectAt(directAddress(of) ?? "", [service], values, io);
    } catch (error) {
      if (io.signal.aborted) throw error;
      last = ConnectError.from(error);
    }
  }
  throw last ?? new ConnectError(`no instance can be asked for the contract of ${service}`, Code.Unavailable);
}

/**
 * Reads the contracts of services from the reflection at an address; of all
 * that are there, but for those that every server has, when none is named.
 * Rejects with an error that says what else can be done.
 */
export async function reflectAt(
  address: string,
  services: readonly string[],
  values: Values,
  io: Io,
): Promise<FileRegistry> {
  try {
    return await inTime(values, io, `the reflection at ${address}`, async (signal) => {
      await using transport = direct(address, signal);
      const names = services.length > 0 ? services : await ownServices(transport, signal);
      return await reflect(transport, names, signal);
    });
  } catch (thrown) {
    const error = ConnectError.from(thrown);
    const what = services.length === 0 ? "the contracts" : `the contract of ${services.join(", ")}`;
    const { why, todo } = explain(address, error);
    throw new ConnectError(
      `${what} cannot be read: ${why}; ${todo}`,
      error.code,
      undefined,
      undefined,
      error,
    );
  }
}

/** Why there is no answer, in one line, and what can be done about it. */
function explain(address: string, error: ConnectError): { readonly why: string; readonly todo: string } {
  const why = errorText(error).replaceAll(/\s+/g, " ").trim();
  if (reasonOf(error) === "CONNECTION_FAILED") {
    // What OpenSSL says of an answer that is not TLS.
    const plain = /wrong version number|packet length too long/.test(why);
    return plain
      ? { why: `${address} does not speak TLS`, todo: "use http: instead of https:" }
      : { why, todo: "check that it runs and can be reached from here" };
  }
  const todo = "give it with --image FILE, which `buf build -o image.binpb` makes";
  return { why: error.code === Code.Unimplemented ? `${address} offers no reflection` : why, todo };
}

async function ownServices(transport: Transport, signal: AbortSignal): Promise<readonly string[]> {
  const all = await reflectServices(transport, signal);
  return all.filter((name) => !name.startsWith("grpc."));
}

/** The method of a contract. Throws `not_found`, with what there is, when it has none of that name. */
export function methodOf(files: FileRegistry, { service, method }: MethodPath): DescMethod {
  const desc = files.getService(service);
  if (desc === undefined) {
    const known = [...files].filter(({ kind }) => kind === "service").map(({ typeName }) => typeName);
    throw unknown(`the contract has no service ${service}`, service, known);
  }
  const found = desc.methods.find(({ name }) => name === method);
  if (found !== undefined) return found;
  throw unknown(`${service} has no method ${method}`, method, desc.methods.map(({ name }) => name));
}

function unknown(problem: string, typed: string, known: readonly string[]): ConnectError {
  const all = known.length === 0 ? "it has none" : `it has ${known.join(", ")}`;
  return new ConnectError(`${problem}; ${didYouMean(typed, known) ?? all}`, Code.NotFound);
}
