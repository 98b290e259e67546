// What users need to test extensions of their own. Independent of any test runner.
export { testRegistry } from "./registry.ts";
export type { RegistryCase, RegistrySetup, TestRegistryOptions } from "./registry.ts";
export { until } from "./until.ts";
export type { UntilOptions } from "./until.ts";
export { testCodec } from "./codec.ts";
export type { CodecCase, TestCodecOptions } from "./codec.ts";
export { testBalancer } from "./balancer.ts";
export type { BalancerCase } from "./balancer.ts";
export type { TestBalancerOptions, TestSources } from "./balancer-options.ts";
export { testChannel } from "./channel.ts";
export type { ChannelCase, TestChannelOptions } from "./channel.ts";
export type { ChannelAbility } from "./channel-case.ts";
