import assert from "node:assert/strict";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import type { Client, HandlerContext } from "@connectrpc/connect";
import { ChannelTestService } from "../../gen/testing/v1/channel_pb.ts";
import type { Channel, ChannelOptions, PeerTransport } from "../channel/channel.ts";
import { component } from "../component/component.ts";
import { implement } from "../component/implement.ts";
import type { Instance } from "../contract/instance.ts";
import type { Mesh } from "../mesh.ts";
import { createMesh } from "../mesh.ts";
import type { MeshOptions } from "../mesh-options.ts";
import { memory } from "../registry/memory.ts";
import { caller, implementation } from "./channel-kinds.ts";
import type { Caller, Content, Handler } from "./channel-kinds.ts";
import { until, within } from "./until.ts";

/** Largest message of the meshes of the suite, in bytes. */
export const limitBytes: number = 4 * 1024 * 1024;

/** How long a mesh of the suite waits when nobody tells it a deadline, in milliseconds. */
export const defaultTimeoutMs: number = 30_000;

/** What a bench is made of. */
export interface ChannelBenchOptions {
  readonly channel: Channel;
  /** Names of the channels that the host offers besides. */
  readonly offers: readonly string[];
  /** Options of the meshes on both sides. */
  readonly mesh: MeshOptions;
  /** Longest time that a step may take, in milliseconds. */
  readonly timeoutMs: number;
}

/** A transport of the channel that no mesh looks after. */
export interface Direct {
  readonly transport: PeerTransport;
  readonly call: Caller;
}

/** What the cases share: a mesh that hosts the contract of the suite and calls it over the channel. */
export class ChannelBench implements AsyncDisposable {
  readonly channel: Channel;
  readonly timeoutMs: number;
  /** The contexts of the handlers that ran, in the order in which they began. */
  readonly contexts: HandlerContext[] = [];
  readonly #offers: readonly string[];
  readonly #options: MeshOptions;
  readonly #open: AsyncDisposable[] = [];
  #host: Mesh | undefined;
  #guest: Mesh | undefined;
  #client: Client<typeof ChannelTestService> | undefined;
  #connected: { readonly instance: Instance; readonly options: ChannelOptions } | undefined;

  constructor({ channel, offers, mesh, timeoutMs }: ChannelBenchOptions) {
    this.channel = channel;
    this.timeoutMs = timeoutMs;
    this.#offers = offers;
    this.#options = mesh;
  }

  /**
   * Starts a mesh whose methods are all this handler, in place of the one before.
   *
   * @param handler undefined leaves all methods out
   * @param port default: a free one
   */
  async serve(handler: Handler | undefined, port?: number): Promise<Caller> {
    await this.stop();
    const { channel } = this;
    const { name } = channel;
    const spy: Channel = {
      name,
      connect: (instance, options) => {
        this.#connected = { instance, options };
        return channel.connect(instance, options);
      },
    };
    const methods = handler === undefined ? {} : implementation(this.#watched(handler));
    const services = [implement(ChannelTestService, methods, { partial: true })];
    const { listen = {} } = this.#options;
    const shared: MeshOptions = {
      ...this.#options,
      registry: memory(),
      channels: [spy],
      channel: name,
      limits: { ...this.#options.limits, readMaxBytes: limitBytes, writeMaxBytes: limitBytes },
      timeoutMs: defaultTimeoutMs,
    };
    const host = createMesh({
      reflection: false,
      openapi: false,
      ...shared,
      components: [component({ name: "channel-test", channels: [name, ...this.#offers], services })],
      listen: port === undefined ? listen : { ...listen, port },
      drain: { drainDelayMs: 0, graceMs: 0 },
    });
    this.#host = host;
    this.contexts.length = 0;
    await this.within("the start of a mesh", () => host.start());
    // What is local is called by the mesh that hosts it.
    if (name !== "local") this.#guest = createMesh({ ...shared, listen: undefined });
    this.#client = (this.#guest ?? host).client(ChannelTestService);
    return caller(this.#client);
  }

  /** The mesh's own client. */
  get client(): Client<typeof ChannelTestService> {
    assert.ok(this.#client !== undefined, "nothing is served");
    return this.#client;
  }

  /** The port of the host; undefined where it listens on something else. */
  get port(): number | undefined {
    const address = this.#host?.address ?? "";
    return URL.canParse(address) && !address.startsWith("unix:") ? Number(new URL(address).port) : undefined;
  }

  /** Ends what is served, without waiting for what runs there; callers first, so that nothing is lost. */
  async stop(): Promise<void> {
    const meshes = [this.#guest, this.#host];
    this.#guest = undefined;
    this.#host = undefined;
    for (const mesh of meshes) {
      if (mesh !== undefined) await this.within("the end of a mesh", () => mesh.close(AbortSignal.abort()));
    }
  }

  /**
   * Connects as the mesh did, which must have made a call over the channel before.
   *
   * @param address default: that of the mesh
   */
  connect(given: Partial<ChannelOptions> = {}, address?: string): Direct {
    assert.ok(this.#connected !== undefined, "the mesh made a call without connecting over the channel");
    const { instance, options } = this.#connected;
    const { name } = this.channel;
    const to = address === undefined ? instance : { ...instance, channels: { [name]: address } };
    const cut = new AbortController().signal;
    const transport = this.#connect(to, { ...options, onLost: () => {}, cut, ...given });
    this.#open.push(transport);
    return { transport, call: caller(createClient(ChannelTestService, transport)) };
  }

  /** The address that the mesh connected to. */
  get address(): string {
    return this.#connected?.instance.channels[this.channel.name] ?? "";
  }

  /** Runs something that must finish in time. */
  within<T>(what: string, run: () => Promise<T>): Promise<T> {
    return within(run, { timeoutMs: this.timeoutMs, what });
  }

  /** Waits for something. */
  until<T>(what: string, condition: () => T | Promise<T>): Promise<T> {
    return until(condition, { timeoutMs: this.timeoutMs, what });
  }

  /** Waits until a handler runs. */
  async begun(at = 0): Promise<HandlerContext> {
    const context = await this.until("the handler to be called", () => this.contexts[at]);
    assert.ok(context !== undefined);
    return context;
  }

  /** Waits until a handler has heard that its call has ended. */
  async told(at = 0): Promise<HandlerContext> {
    const context = await this.begun(at);
    await this.until("the handler's signal to abort", () => context.signal.aborted);
    return context;
  }

  /** The messages of a call. */
  all(what: string, messages: AsyncIterable<Content>): Promise<Content[]> {
    return this.within(`the end of ${what}`, () => Array.fromAsync(messages));
  }

  /** The only message of a call. */
  async one(what: string, messages: AsyncIterable<Content>): Promise<Content> {
    const [message, ...others] = await this.all(what, messages);
    assert.ok(message !== undefined, `${what} had no answer`);
    assert.equal(others.length, 0, `${what} had more than one answer`);
    return message;
  }

  /** The error of a call, which must fail with this code after any messages. */
  async fails(what: string, code: Code, messages: AsyncIterable<Content>): Promise<ConnectError> {
    const wanted = `${what} must fail with ${Code[code]}`;
    let seen = 0;
    try {
      await this.within(`the end of ${what}`, async () => {
        for await (const _ of messages) seen++;
      });
    } catch (error) {
      if (error instanceof ConnectError) {
        assert.equal(Code[error.code], Code[code], `${wanted}, but failed with: ${error.message}`);
        return error;
      }
      if (error instanceof assert.AssertionError) throw error;
      assert.fail(`${wanted}, but failed with what is no ConnectError: ${String(error)}`);
    }
    assert.fail(`${wanted}, but ended well after ${seen} messages`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const open = this.#open.splice(0);
    for (const transport of open) await this.within("the end of a transport", async () => transport[Symbol.asyncDispose]());
    await this.stop();
  }

  #connect(instance: Instance, options: ChannelOptions): PeerTransport {
    try {
      return this.channel.connect(instance, options);
    } catch (error) {
      assert.fail(`connect must neither wait nor throw, but threw: ${String(error)}`);
    }
  }

  #watched(handler: Handler): Handler {
    return (requests, context) => {
      this.contexts.push(context);
      return handler(requests, context);
    };
  }
}
