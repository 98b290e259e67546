/** What a service config says about some methods (`MethodConfig` of grpc.service_config). */
export interface MethodConfigJson {
  /**
   * The methods: one by `service` and `method`, all of a service by `service`,
   * or all by `{}`. Each name is in a config once; the most specific one holds.
   */
  readonly name?: ReadonlyArray<{ readonly service?: string | null; readonly method?: string | null }>;
  /** Bound of the deadline, such as `"1.5s"`. */
  readonly timeout?: string;
  readonly waitForReady?: boolean;
  readonly retryPolicy?: {
    readonly maxAttempts: number;
    readonly initialBackoff: string;
    readonly maxBackoff: string;
    readonly backoffMultiplier: number;
    readonly retryableStatusCodes: ReadonlyArray<string | number>;
  };
  readonly hedgingPolicy?: {
    readonly maxAttempts: number;
    readonly hedgingDelay?: string;
    readonly nonFatalStatusCodes?: ReadonlyArray<string | number>;
  };
}

/**
 * A gRPC service config in its JSON form (grpc.service_config.ServiceConfig,
 * gRFC A2, A6, A21). Fields that are not named here are ignored.
 */
export interface ServiceConfigJson {
  readonly methodConfig?: readonly MethodConfigJson[];
  readonly retryThrottling?: { readonly maxTokens: number; readonly tokenRatio: number };
  /** Balancers with their options, by preference: `[{ "ring_hash_experimental": {} }]`. */
  readonly loadBalancingConfig?: ReadonlyArray<Readonly<Record<string, object>>>;
  /** Name of a balancer, where `loadBalancingConfig` is absent. Deprecated in gRPC. */
  readonly loadBalancingPolicy?: string;
  /** Turns on that clients watch the health of a service of each instance (gRFC A17). */
  readonly healthCheckConfig?: { readonly serviceName?: string };
  readonly [field: string]: unknown;
}
