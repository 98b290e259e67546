import { create } from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";
import type { Channel, ChannelOptions } from "../../src/channel/channel.ts";
import type { Instance } from "../../src/contract/instance.ts";

/** What comes with an attempt. */
export interface Sent {
  readonly header: Headers;
  readonly timeoutMs: number | undefined;
}

/** How a scripted instance answers one attempt: with a message, or by throwing. */
export type Answer = (instance: Instance, signal: AbortSignal | undefined, sent: Sent) => unknown;

/** A channel that reaches nothing: each attempt runs a function of the test. */
export class ScriptedChannel implements Channel {
  readonly name: string;
  /** Ids of the instances that were attempted, in order. */
  readonly attempts: string[] = [];
  /** Ids of the instances whose transport was closed. */
  readonly closed: string[] = [];
  /** Reports a lost connection of an instance, by id. */
  readonly lose: Map<string, ChannelOptions["onLost"]> = new Map();
  /** Whether an instance can be reached when it is probed. */
  reachable: (instance: Instance) => boolean = () => true;
  probes: number = 0;
  /** Whether its calls end at their deadline by themselves, so that they may take the short way. */
  endsAtDeadline: boolean = false;
  readonly #answer: Answer;

  constructor(name: string, answer: Answer) {
    this.name = name;
    this.#answer = answer;
  }

  connect(instance: Instance, options: ChannelOptions): ReturnType<Channel["connect"]> {
    this.lose.set(instance.id, options.onLost);
    const unary: Transport["unary"] = async (method, signal, timeoutMs, header) => {
      this.attempts.push(instance.id);
      const message = await this.#answer(instance, signal, { header: new Headers(header), timeoutMs });
      return {
        stream: false,
        service: method.parent,
        method,
        header: new Headers(),
        trailer: new Headers(),
        message: create(method.output, message as never),
      };
    };
    return {
      endsAtDeadline: this.endsAtDeadline,
      unary,
      stream: () => Promise.reject(new Error("the scripted channel has no streams")),
      probe: () => {
        this.probes++;
        return this.reachable(instance) ? Promise.resolve() : Promise.reject(new Error("no"));
      },
      [Symbol.asyncDispose]: () => {
        this.closed.push(instance.id);
        return Promise.resolve();
      },
    };
  }
}
