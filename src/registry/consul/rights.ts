import type { ConsulClient } from "./client.ts";
import { type Attempt, denial, refusal } from "./failure.ts";

/** How long it is remembered that an agent uses no ACLs: another may follow it. */
const unusedForMs = 300_000;

/** Something that a token may or may not do, as Consul's ACL asks it. */
interface Right {
  readonly Resource: "service" | "node";
  readonly Access: "read";
  readonly Segment: string;
}

/**
 * Tells an empty answer from a denied one. A token without the rights gets an
 * empty list, not 403: Consul filters what may not be seen. So the agent is
 * asked what the token may do, unless it said that it uses no ACLs.
 */
export class Rights {
  readonly #client: ConsulClient;
  #unusedUntil = 0;

  constructor(client: ConsulClient) {
    this.#client = client;
  }

  /** Rejects with `permission_denied` when the token may not see the instances of a service. */
  async mayReadInstances(what: Attempt, name: string, signal: AbortSignal): Promise<void> {
    const allowed = await this.#ask(what, signal, [
      { Resource: "service", Access: "read", Segment: name },
      { Resource: "node", Access: "read", Segment: "" },
    ]);
    if (allowed === undefined) return;
    const [service, nodes] = allowed;
    if (service === false) throw denial(what, "the token may not read the service");
    // A token may have the right on some nodes only, so one more look: the
    // catalog lists a service also to those who may not see its nodes.
    if (nodes === false && (await this.#listed(what, name, signal))) {
      throw denial(what, "the service exists, but the token may not read its nodes");
    }
  }

  /** Rejects with `permission_denied` when the token may not see services in general. */
  async mayReadServices(what: Attempt, signal: AbortSignal): Promise<void> {
    const allowed = await this.#ask(what, signal, [
      { Resource: "service", Access: "read", Segment: "" },
    ]);
    if (allowed?.[0] === false) throw denial(what, "the token may read no service that exists");
  }

  /** What is allowed, in order; undefined when there are no ACLs or nobody can tell. */
  async #ask(
    what: Attempt,
    signal: AbortSignal,
    rights: readonly Right[],
  ): Promise<readonly unknown[] | undefined> {
    if (performance.now() < this.#unusedUntil) return undefined;
    const path = "/v1/internal/acl/authorize";
    const answer = await this.#client.post(what, path, rights, signal);
    if (answer.status === 401) {
      if (/ACL support disabled/i.test(answer.text)) {
        this.#unusedUntil = performance.now() + unusedForMs;
      }
      return undefined;
    }
    if (answer.status === 403) throw refusal(what, answer.status, answer.text);
    if (answer.status !== 200) return undefined;
    return parse(answer.text);
  }

  async #listed(what: Attempt, name: string, signal: AbortSignal): Promise<boolean> {
    const answer = await this.#client.get(what, "/v1/catalog/services", {
      query: { stale: "" },
      signal,
    });
    return Object.hasOwn(JSON.parse(answer.text) as object, name);
  }
}

function parse(text: string): readonly unknown[] | undefined {
  try {
    const answer: unknown = JSON.parse(text);
    if (!Array.isArray(answer)) return undefined;
    return answer.map((item: unknown) => (item as { Allow?: unknown } | null)?.Allow);
  } catch {
    return undefined;
  }
}
