// The public API. Conformance suites for extension points are in `connect-mesh/testing`.
export { createMesh } from "./mesh.ts";
export type { Mesh, MeshState } from "./mesh.ts";
export type { HealthOptions, MeshOptions } from "./mesh-options.ts";

export { component } from "./component/component.ts";
export type { Component, ComponentOptions } from "./component/component.ts";
export { implement } from "./component/implement.ts";
export type { Binding } from "./component/implement.ts";
export type { ComponentState, Hook } from "./component/lifecycle.ts";

export { check, HealthWarning, warning } from "./health/check.ts";
export type { Check, CheckOptions, HealthCheck } from "./health/check.ts";
export type { CheckResult, HealthReport } from "./health/report.ts";

export { memory } from "./registry/memory.ts";
export { file } from "./registry/file.ts";
export type { FileRegistryOptions } from "./registry/file.ts";
export { staticRegistry } from "./registry/static.ts";
export { consul } from "./registry/consul/consul.ts";
export type { ConsulCheck, ConsulOptions } from "./registry/consul/options.ts";
export { registryFromEnv } from "./registry/from-env.ts";
export { isListable } from "./registry/registry.ts";
export type { Lease, ListableRegistry, Registry, Snapshot } from "./registry/registry.ts";
export { effectiveWeight, instance } from "./contract/instance.ts";
export type { HealthStatus, Instance, InstanceInit } from "./contract/instance.ts";
export type { Target } from "./contract/target.ts";

export { first } from "./balancer/first.ts";
export { leastRequest } from "./balancer/least-request.ts";
export type { LeastRequestOptions } from "./balancer/least-request.ts";
export { peakEwma } from "./balancer/peak-ewma.ts";
export { ringHash } from "./balancer/ring-hash.ts";
export type { RingHashOptions } from "./balancer/ring-hash.ts";
export type { RingSize } from "./balancer/ring-size.ts";
export { roundRobin } from "./balancer/round-robin.ts";
export { weighted } from "./balancer/weighted.ts";
export { slowStart } from "./balancer/slow-start.ts";
export type { SlowStartOptions } from "./balancer/slow-start.ts";
export { zonePreference } from "./balancer/zone.ts";
export type { ZoneOptions } from "./balancer/zone.ts";
export type { BalancerOptions } from "./balancer/options.ts";
export type { BalancerSources } from "./balancer/sources.ts";
export type { Balancer, CallInfo, Latency, Peer, Picker } from "./balancer/balancer.ts";

export { protobuf } from "./channel/protobuf.ts";
export { json } from "./channel/json.ts";
export { msgpack } from "./channel/msgpack.ts";
export { connectChannel } from "./channel/connect.ts";
export type { ConnectChannelInit } from "./channel/connect.ts";
export type { Codec, MessageCodec } from "./codec/codec.ts";
export { jsonCodec } from "./codec/json.ts";
export type { JsonCodecOptions } from "./codec/json.ts";
export { msgpackCodec } from "./codec/msgpack.ts";
export type { MsgpackCodecOptions } from "./codec/msgpack.ts";
export { protobufCodec } from "./codec/protobuf.ts";
export { grpc } from "./channel/grpc.ts";
export { grpcWeb } from "./channel/grpc-web.ts";
export { local } from "./channel/local.ts";
export { rest } from "./channel/rest.ts";
export type { RestChannelInit } from "./channel/rest.ts";
export type { RestOptions } from "./protocol/rest/options.ts";
export type { UnknownQuery } from "./protocol/rest/query.ts";
export { addressOf } from "./channel/channel.ts";
export type { Channel, ChannelInit, ChannelOptions, PeerTransport } from "./channel/channel.ts";
export { connectionError, progressOf } from "./protocol/progress.ts";
export type { Progress } from "./protocol/progress.ts";
export type { KeepaliveOptions } from "./protocol/keepalive.ts";

export { reflection } from "./reflection/reflection.ts";
export { validate } from "./validation/validate.ts";
export type { ValidateOptions } from "./validation/validate.ts";

export { callOptions } from "./client/options.ts";
export type { ChannelPreference, ClientOptions, PerCallOptions } from "./client/options.ts";
export type { CallAttempt, CallCandidate, CallExplanation } from "./contract/call-explanation.ts";
export type { ConcurrencyPolicy, HedgingPolicy, PolicyOptions, RetryPolicy, Some } from "./contract/policy.ts";
export type { RetryBudgetOptions } from "./resilience/budget.ts";
export type {
  FailurePercentagePolicy,
  OutlierOptions,
  OutlierPolicy,
  SuccessRatePolicy,
} from "./resilience/outlier-policy.ts";
export type { MethodConfigJson, ServiceConfigJson } from "./resilience/service-config-json.ts";

export { instanceId } from "./server/guard.ts";
export { meshPlugin } from "./server/plugin.ts";
export type { MeshPluginOptions, Mountable } from "./server/plugin.ts";
export type { DrainOptions, ListenOptions, ServerLimits } from "./server/options.ts";
export { serverTls } from "./server/server-tls.ts";
export type { ServerTls, TlsRenewal } from "./server/server-tls.ts";
export type { CorsOptions } from "./server/cors.ts";
export type { HttpOptions } from "./server/http.ts";

export { errorDomain, reasonOf } from "./error.ts";
export type { Reason } from "./error.ts";
export { eventChannelName, subscribe } from "./events.ts";
export type { MeshEventName, MeshEvents } from "./events.ts";
