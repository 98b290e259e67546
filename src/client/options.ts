import type { CallOptions, Interceptor } from "@connectrpc/connect";
import { createContextKey, createContextValues } from "@connectrpc/connect";
import type { ContextKey } from "@connectrpc/connect";
import type { Balancer } from "../balancer/balancer.ts";
import { callable, elsewhere, flag, functions, object } from "../contract/kind.ts";
import type { Kind, Kinds } from "../contract/kind.ts";
import { checkOptions, optionsOf } from "../contract/policy-source.ts";
import type { PolicyOptions } from "../contract/policy.ts";
import type { RetryBudgetOptions } from "../resilience/budget.ts";
import type { OutlierOptions } from "../resilience/outlier-policy.ts";
import type { ServiceConfigJson } from "../resilience/service-config-json.ts";
import { CallValues } from "./call-values.ts";

/**
 * Which channel calls take: one name, or names in order of preference. A
 * later name is used when no instance offers an earlier one; that is an event.
 */
export type ChannelPreference = string | readonly string[];

/** What one call may set for itself. All but the channel wins over contract and client. */
export interface PerCallOptions extends Omit<PolicyOptions, "timeoutMs"> {
  /** Default: the client's. */
  readonly channel?: ChannelPreference | undefined;
}

/** Options of a client. What they say of policy wins over contract and service config. */
export interface ClientOptions extends PerCallOptions {
  /**
   * Default: the mesh's; without one, `local` for services that are hosted in
   * this process and `protobuf` for all others.
   */
  readonly channel?: ChannelPreference | undefined;
  /**
   * Whether a call waits, until its deadline, for an instance that can be
   * reached. Without it such a call fails at once with `unavailable`; only for the
   * first answer of the registry it waits in any case, as gRPC's calls do for
   * a resolver that has not answered yet. Default true.
   */
  readonly waitForReady?: boolean | undefined;
  /**
   * Chooses the instance of each call. Default: what a service config or the
   * contract names, else the mesh's.
   */
  readonly balancer?: Balancer | undefined;
  /** Deadline of each call in milliseconds, over the contract's. Default: the contract's, else the mesh's. */
  readonly timeoutMs?: number | undefined;
  /** Run once around each call, inside those of the mesh. Default none. */
  readonly interceptors?: readonly Interceptor[] | undefined;
  /** A gRPC service config, as JSON: stronger than the contract, weaker than these options. Default: the mesh's. */
  readonly serviceConfig?: ServiceConfigJson | undefined;
  /**
   * When instances whose calls fail get no more of them; false for never.
   * Default: as a service config has it, else the mesh's.
   */
  readonly outlier?: OutlierOptions | false | undefined;
  /** How many repetitions the client may add to its calls of a service. Default: the mesh's. */
  readonly retryBudget?: RetryBudgetOptions | undefined;
  /**
   * Whether each instance is asked how it is, by a stream over the connection
   * that calls take (`grpc.health.v1.Health/Watch`, gRFC A17): one that says it
   * does not serve gets no calls while another does. True asks for the service
   * that is called; a name for that one, an empty one for the whole server. The
   * streams keep the process alive until the mesh closes. Default: as a service
   * config has it in `healthCheckConfig`, else the mesh's, which is false.
   */
  readonly healthCheck?: string | boolean | undefined;
}

/** What a balancer must be. */
export const balancerKind: Kind = { ...callable, must: "a balancer, such as roundRobin()" };

/** What the options of a client must be, unless whoever reads them looks at it. */
export const clientKinds: Kinds<ClientOptions> = {
  channel: elsewhere,
  waitForReady: elsewhere,
  balancer: balancerKind,
  timeoutMs: elsewhere,
  retry: elsewhere,
  hedging: elsewhere,
  hashKey: elsewhere,
  interceptors: functions,
  serviceConfig: elsewhere,
  outlier: elsewhere,
  retryBudget: elsewhere,
  healthCheck: elsewhere,
};

const callKinds: Kinds<CallOptions & PerCallOptions> = {
  timeoutMs: elsewhere,
  headers: elsewhere,
  signal: object,
  onHeader: callable,
  onTrailer: callable,
  contextValues: object,
  channel: elsewhere,
  waitForReady: flag,
  retry: elsewhere,
  hedging: elsewhere,
  hashKey: elsewhere,
};

const ofCall = optionsOf("the call");

const perCall: ContextKey<PerCallOptions> = createContextKey<PerCallOptions>(
  {},
  { description: "connect-mesh call options" },
);

/**
 * Options of one call, with those that only a mesh has:
 * `greet.greet(request, callOptions({ channel: "grpc", timeoutMs: 500 }))`.
 * Options that are given with what an earlier `callOptions` returned stay unless
 * they are set anew: `callOptions({ ...usual, timeoutMs: 500 })`. Nothing is
 * written into the `contextValues` that are given. Throws a configuration error
 * for an option that there is not.
 */
export function callOptions(options: CallOptions & PerCallOptions): CallOptions {
  checkOptions(ofCall, "", options, callKinds);
  const { channel, waitForReady, retry, hedging, hashKey, ...plain } = options;
  const given = plain.contextValues ?? createContextValues();
  const before = perCallOptions(given);
  const own: PerCallOptions = {
    channel: channel ?? before.channel,
    waitForReady: waitForReady ?? before.waitForReady,
    retry: retry ?? before.retry,
    hedging: hedging ?? before.hedging,
    hashKey: hashKey ?? before.hashKey,
  };
  return { ...plain, contextValues: new CallValues(given, perCall, own) };
}

/** What {@link callOptions} left for the mesh. */
export function perCallOptions(values: CallOptions["contextValues"]): PerCallOptions {
  return values?.get(perCall) ?? {};
}

/** What options say about how calls are made. */
export function policyOf({ timeoutMs, waitForReady, retry, hedging, hashKey }: PolicyOptions): PolicyOptions {
  return { timeoutMs, waitForReady, retry, hedging, hashKey };
}
