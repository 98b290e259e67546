/**
 * Health of a component: `ok` serves, `warning` serves but should get fewer
 * calls, `error` does not serve.
 */
export type HealthStatus = "ok" | "warning" | "error";

/** One running process of a component, as the registry knows it. */
export interface Instance {
  /** Unique for each start of the component: `<component>-<random>`. */
  readonly id: string;
  /** Name of the component: a DNS label. */
  readonly component: string;
  /** Version of the component, free text; `0.0.0` when unknown. */
  readonly version: string;
  /** Full names of the proto services that the instance serves. */
  readonly services: readonly string[];
  /**
   * Address of each channel that the instance offers, by channel name:
   * `http://host:port`, `https://host:port` or `unix:/path`.
   */
  readonly channels: Readonly<Record<string, string>>;
  /** Share of calls relative to other instances while `ok`: 1 to 65535. */
  readonly weight: number;
  /** The same while `warning`: 0 to 65535. */
  readonly warningWeight: number;
  /** Last health that the registry heard of. Instances in `error` are not in snapshots. */
  readonly health: HealthStatus;
  /** Where the instance runs, for callers that prefer their own zone. */
  readonly zone?: string | undefined;
  /** Free key-value pairs of the component. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** What {@link instance} fills in when it is left out. */
export type InstanceInit = Pick<Instance, "id" | "component" | "services" | "channels"> &
  Partial<Instance>;

/** Makes an {@link Instance}: version `0.0.0`, weight 10, warning weight 1, healthy. */
export function instance(init: InstanceInit): Instance {
  return {
    version: "0.0.0",
    weight: 10,
    warningWeight: 1,
    health: "ok",
    metadata: {},
    ...init,
  };
}

/** The weight that an instance has now: its warning weight while in `warning`. */
export function effectiveWeight(of: Instance): number {
  return of.health === "warning" ? of.warningWeight : of.weight;
}

/**
 * Reads an instance from parsed JSON, such as a lease file. Throws a
 * `TypeError` that names the first field of the wrong shape.
 */
export function parseInstance(json: unknown): Instance {
  const from = record(json, "instance");
  const zone = from["zone"];
  return {
    id: text(from["id"], "id"),
    component: text(from["component"], "component"),
    version: text(from["version"], "version"),
    services: texts(from["services"], "services"),
    channels: textRecord(from["channels"], "channels"),
    weight: integer(from["weight"], "weight"),
    warningWeight: integer(from["warningWeight"], "warningWeight"),
    health: health(from["health"]),
    ...(zone === undefined ? {} : { zone: text(zone, "zone") }),
    metadata: textRecord(from["metadata"], "metadata"),
  };
}

function record(value: unknown, name: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new TypeError(`${name} must be an object`);
  }
  return value as Record<string, unknown>;
}

function text(value: unknown, name: string): string {
  if (typeof value !== "string" || value === "") {
    throw new TypeError(`${name} must be a non-empty string`);
  }
  return value;
}

function texts(value: unknown, name: string): readonly string[] {
  if (!Array.isArray(value)) throw new TypeError(`${name} must be a list`);
  return value.map((item, at) => text(item, `${name}[${at}]`));
}

function textRecord(value: unknown, name: string): Readonly<Record<string, string>> {
  for (const [key, item] of Object.entries(record(value, name))) {
    if (typeof item !== "string") throw new TypeError(`${name}.${key} must be a string`);
  }
  return value as Record<string, string>;
}

function integer(value: unknown, name: string): number {
  if (!Number.isInteger(value) || (value as number) < 0 || (value as number) > 65_535) {
    throw new TypeError(`${name} must be an integer from 0 to 65535`);
  }
  return value as number;
}

function health(value: unknown): HealthStatus {
  if (value === "ok" || value === "warning" || value === "error") return value;
  throw new TypeError("health must be ok, warning or error");
}
