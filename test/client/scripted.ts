import type { MessageInitShape, DescMessage } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { CallOptions } from "@connectrpc/connect";
import { createMesh, instance, roundRobin } from "../../src/index.ts";
import type { Balancer, ClientOptions, Instance, Mesh, MeshOptions } from "../../src/index.ts";
import { pushbackHeader } from "../../src/resilience/pushback.ts";
import { contract } from "../contract/contract.ts";
import type { ContractInit } from "../contract/contract.ts";
import { ScriptedChannel } from "../support/scripted-channel.ts";
import type { Answer } from "../support/scripted-channel.ts";
import { ScriptedRegistry } from "../support/scripted-registry.ts";

/** The only method of a contract whose descriptors are made at run time. */
type Call = (request: MessageInitShape<DescMessage>, options?: CallOptions) => Promise<{ readonly id: string }>;

/** Calls to scripted instances over one channel, for a contract of the test. */
export interface Scripted extends AsyncDisposable {
  readonly mesh: Mesh;
  readonly channel: ScriptedChannel;
  readonly registry: ScriptedRegistry;
  readonly call: Call;
  /** A client of its own. */
  client(options: ClientOptions): Call;
  /** The registry shows instances of these ids. */
  show(...ids: readonly string[]): void;
}

/** How a {@link scripted} mesh is made. */
export interface ScriptedInit extends ContractInit {
  readonly mesh?: MeshOptions;
  readonly client?: ClientOptions;
  /** Whether calls may take the short way. Default true. */
  readonly quick?: boolean;
}

/** A mesh of clients whose contract, instances and answers the test decides. Each new picker begins with the first. */
export function scripted(answer: Answer, init: ScriptedInit = {}): Scripted {
  const service = contract(init);
  const registry = new ScriptedRegistry();
  const channel = new ScriptedChannel("protobuf", answer);
  channel.endsAtDeadline = init.quick ?? true;
  const balancer: Balancer = roundRobin({ random: () => 0, slowStart: false });
  const mesh = createMesh({ registry, channels: [channel], balancer, ...init.mesh });
  const client = (options: ClientOptions): Call => {
    const made = mesh.client(service, options) as unknown as { readonly do: Call };
    return (request, of) => made.do(request, of);
  };
  return {
    mesh,
    channel,
    registry,
    call: client(init.client ?? {}),
    client,
    show: (...ids) => {
      registry.show(...ids.map(named));
    },
    [Symbol.asyncDispose]: () => mesh.close(),
  };
}

function named(id: string): Instance {
  return instance({ id, component: "t", services: ["t.S"], channels: { protobuf: `http://${id}.invalid` } });
}

/** The error of a call that has to fail. */
export async function failure(promise: Promise<unknown>): Promise<ConnectError> {
  return promise.then(
    () => {
      throw new Error("the call did not fail");
    },
    (error: unknown) => ConnectError.from(error),
  );
}

/** An answer of a server that is an error, with a pushback if there is one. */
export function refusal(code: Code, pushback?: string): ConnectError {
  return new ConnectError(`no: ${Code[code]}`, code, pushback === undefined ? undefined : { [pushbackHeader]: pushback });
}

/** Waits until the signal aborts, as an instance that hangs. */
export function hang(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_resolve, reject) => {
    const end = (): void => {
      reject(ConnectError.from(signal?.reason, Code.Canceled));
    };
    if (signal?.aborted === true) end();
    else signal?.addEventListener("abort", end, { once: true });
  });
}
