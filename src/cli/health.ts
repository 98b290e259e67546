import { inParallel } from "./in-parallel.ts";
import { listed, openRegistry } from "./lookup.ts";
import { timeoutMs } from "./options.ts";
import { probe } from "./probe.ts";
import type { Probe } from "./probe.ts";
import { aligned } from "./table.ts";
import type { Invocation } from "./verb.ts";

/** How many instances are asked at the same time. */
const atOnce = 16;

/** How long one instance may take to answer, in milliseconds. */
const answerMs = 5_000;

/** `mesh health`: asks each instance how it is. */
export async function health({ operands, values, io }: Invocation): Promise<number> {
  const place = openRegistry(values, io);
  const instances = await listed(place, values, io, operands[0]);
  const ms = values.timeout === undefined ? answerMs : timeoutMs(values.timeout);
  const probes = await inParallel(instances, atOnce, (of) =>
    probe(of, AbortSignal.any([io.signal, AbortSignal.timeout(ms)])),
  );
  io.signal.throwIfAborted();
  const serving = probes.length > 0 && probes.every(({ status }) => status === "SERVING");
  if (values.json === true) io.out(`${JSON.stringify({ serving, instances: probes })}\n`);
  else if (probes.length === 0) io.err(`no instance is in the registry ${place.where}\n`);
  else io.out(table(probes));
  return serving ? 0 : 1;
}

function table(probes: readonly Probe[]): string {
  const rows = probes.map((of) => [
    of.component,
    of.id,
    of.address,
    of.status,
    of.registry,
    notes(of).join("; "),
  ]);
  return aligned([["COMPONENT", "INSTANCE", "ADDRESS", "STATUS", "REGISTRY", "NOTES"], ...rows]);
}

/** What is not as it should be. */
function notes({ services, checks, error }: Probe): readonly string[] {
  const failing = checks.filter(({ status }) => status !== "pass");
  return [
    ...(error === undefined ? [] : [`${error.code}: ${error.message}`]),
    ...Object.entries(services)
      .filter(([, status]) => status !== "SERVING" && status !== "SERVICE_UNKNOWN")
      .map(([name, status]) => `${name} ${status}`),
    ...failing.map(({ name, status, output = "" }) => `${name} ${status} ${output}`.trim()),
  ];
}
