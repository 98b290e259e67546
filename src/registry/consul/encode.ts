import type { Instance } from "../../contract/instance.ts";
import { configurationError } from "../../error.ts";
import { type CheckDefinition, checkDefinition } from "./check.ts";
import { type MainAddress, mainAddress } from "./main-address.ts";
import { channelPrefix, checkMeta, isOwnKey, layout } from "./meta.ts";
import type { Settings } from "./options.ts";

/** A service as `PUT /v1/agent/service/register` takes it. */
export interface ServiceDefinition {
  readonly ID: string;
  readonly Name: string;
  readonly Address?: string;
  readonly Port?: number;
  readonly Tags: readonly string[];
  readonly Meta: Readonly<Record<string, string>>;
  readonly Weights: { readonly Passing: number; readonly Warning: number };
  readonly EnableTagOverride: boolean;
  readonly Check: CheckDefinition;
}

/**
 * Describes an instance to Consul: the component is the service name, the
 * proto services are its tags. Throws `invalid_argument` for what Consul
 * cannot hold.
 */
export function serviceDefinition(of: Instance, settings: Settings): ServiceDefinition {
  const main = mainAddress(of);
  const meta = metaOf(of, main);
  checkMeta(of.component, meta);
  if (!Number.isInteger(of.weight) || of.weight < 1) {
    throw configurationError(
      `"${of.component}" has the weight ${of.weight}, but Consul needs an integer of at least 1`,
    );
  }
  return {
    ID: of.id,
    Name: of.component,
    ...(main === undefined ? {} : { Address: main.host.replace(/^\[|\]$/g, ""), Port: main.port }),
    Tags: of.services,
    Meta: meta,
    Weights: { Passing: of.weight, Warning: of.warningWeight },
    EnableTagOverride: false,
    Check: checkDefinition(
      { id: of.id, component: of.component, service: of.services[0], health: of.health, main },
      settings,
    ),
  };
}

function metaOf(of: Instance, main: MainAddress | undefined): Record<string, string> {
  for (const key of Object.keys(of.metadata)) {
    if (!isOwnKey(key)) continue;
    throw configurationError(
      `"${of.component}" has the metadata key "${key}", which the Consul registry uses itself. ` +
        `Rename it`,
    );
  }
  const meta: Record<string, string> = { ...of.metadata };
  meta["mesh"] = layout;
  meta["channels"] = Object.keys(of.channels).join(",");
  meta["version"] = of.version;
  if (of.zone !== undefined) meta["zone"] = of.zone;
  if (main?.secure === true) meta["scheme"] = "https";
  for (const [name, address] of Object.entries(of.channels)) {
    if (!/^[A-Za-z0-9_-]+$/.test(name)) {
      throw configurationError(
        `The channel name "${name}" of "${of.component}" does not fit into Consul: ` +
          `use A-Z a-z 0-9 _ -`,
      );
    }
    if (address !== main?.text) meta[channelPrefix + name] = address;
  }
  return meta;
}
