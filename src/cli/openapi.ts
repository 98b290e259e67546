import type { DescService, FileRegistry } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Instance } from "../contract/instance.ts";
import { openapi as document } from "../openapi/openapi.ts";
import type { OpenApiOptions } from "../openapi/options.ts";
import { reflectAt } from "./contract.ts";
import { directAddress } from "./direct.ts";
import { readImage } from "./image.ts";
import { inParallel } from "./in-parallel.ts";
import { listed, openRegistry } from "./lookup.ts";
import { addressed } from "./target.ts";
import { didYouMean, UsageError } from "./usage-error.ts";
import type { Invocation } from "./verb.ts";

/** How many instances are asked at the same time. */
const atOnce = 16;

/** Services to describe, and what is known besides. */
interface Found {
  readonly services: readonly DescService[];
  readonly options?: OpenApiOptions | undefined;
}

/** `mesh openapi`: prints the OpenAPI document of services. */
export async function openapi(invocation: Invocation): Promise<number> {
  const { operands, values, io } = invocation;
  const { services, options } = await find(invocation);
  const wanted = operands.length === 0 ? services : operands.map((name) => named(name, services));
  const made = document(wanted, { ...options, connect: values.connect });
  if (Object.keys(made.paths).length === 0) {
    io.err("no method has a google.api.http rule; --connect adds the Connect protocol\n");
  }
  io.out(`${JSON.stringify(made, undefined, values.json === true ? 0 : 2)}\n`);
  return 0;
}

async function find(invocation: Invocation): Promise<Found> {
  const { operands, values, io } = invocation;
  const { address, image } = values;
  if (image !== undefined) {
    if (address !== undefined) throw new UsageError("--image and --address exclude each other");
    const { files, set } = await readImage(image);
    return { services: servicesOf(files), options: { image: set } };
  }
  if (address === undefined) return findAll(invocation);
  const at = directAddress(addressed(address, "", ["grpc"])) ?? address;
  return { services: servicesOf(await reflectAt(at, operands, values, io)) };
}

/** Asks one instance for each service in the registry. */
async function findAll({ operands, values, io }: Invocation): Promise<Found> {
  const place = openRegistry(values, io);
  const instances = (await listed(place, values, io)).filter(({ health }) => health !== "error");
  const hosts = new Map<string, Instance>();
  for (const of of instances) {
    for (const service of of.services) {
      if (!hosts.has(service)) hosts.set(service, of);
    }
  }
  // In Consul, those of others may have tags that are no services.
  const all = [...hosts.keys()].filter((name) => name.includes("."));
  const names = operands.length === 0 ? all : operands;
  const asked = Map.groupBy(names, (name) => {
    const of = hosts.get(name);
    if (of === undefined) throw unknown(name, all);
    return of;
  });
  const read = await inParallel([...asked], atOnce, async ([of, services]) => {
    const files = await reflectAt(directAddress(of) ?? "", services, values, io);
    return services.map((name) => named(name, servicesOf(files)));
  });
  const title = [...new Set([...asked.keys()].map(({ component }) => component))].join(", ");
  const [version = "0.0.0", another] = new Set([...asked.keys()].map((of) => of.version));
  const info = { title: title || "API", version: another === undefined ? version : "0.0.0" };
  return { services: read.flat(), options: { info } };
}

function servicesOf(files: FileRegistry): readonly DescService[] {
  return [...files].filter((desc) => desc.kind === "service");
}

function named(name: string, services: readonly DescService[]): DescService {
  const found = services.find(({ typeName }) => typeName === name);
  if (found !== undefined) return found;
  throw unknown(name, services.map(({ typeName }) => typeName));
}

function unknown(name: string, known: readonly string[]): ConnectError {
  const all = known.length === 0 ? "there is none" : `there are ${known.join(", ")}`;
  return new ConnectError(`there is no service ${name}; ${didYouMean(name, known) ?? all}`, Code.NotFound);
}
