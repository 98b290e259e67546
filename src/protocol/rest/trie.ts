import { configurationError } from "../../error.ts";
import { decodeSegment } from "./percent.ts";
import { methodName } from "./rule.ts";
import type { RestBinding } from "./rule.ts";

/** Where a request goes: a target, or the HTTP methods that its path takes; undefined for an unknown path. */
export type RestMatch<T> =
  | { readonly target: T }
  | { readonly target: undefined; readonly allow: readonly string[] };

/** The targets of one path, by HTTP method. */
interface End<T> {
  readonly methods: Map<string, { readonly binding: RestBinding; readonly target: T }>;
}

interface Node<T> {
  /** By decoded text. */
  readonly literals: Map<string, Node<T>>;
  single: Node<T> | undefined;
  /** Has no children: `**` is always the last segment. */
  multi: Node<T> | undefined;
  /** By verb; undefined is a path without one. */
  readonly ends: Map<string | undefined, End<T>>;
}

/** One search: what it looks for, and what it has seen on its way. */
interface Search {
  readonly method: string;
  readonly segments: readonly string[];
  readonly verb: string | undefined;
  readonly allow: Set<string>;
}

/**
 * Finds the binding of a request by its raw path. Segments are compared one by
 * one after the path was split, so an encoded slash never splits. Literals come
 * before `*` and `*` before `**`, with full backtracking: a branch that does
 * not lead to the end, or only to other HTTP methods, is left again.
 */
export class RestTrie<T> {
  readonly #root: Node<T> = node();
  readonly #verbs = new Set<string>();

  /** Adds a binding. Throws a configuration error when another one has the same method and shape. */
  add(binding: RestBinding, target: T): void {
    const { segments, verb } = binding.template;
    let at = this.#root;
    for (const segment of segments) {
      if (segment.kind === "literal") {
        let next = at.literals.get(segment.text);
        if (next === undefined) at.literals.set(segment.text, (next = node()));
        at = next;
      } else at = at[segment.kind] ??= node();
    }
    let end = at.ends.get(verb);
    if (end === undefined) at.ends.set(verb, (end = { methods: new Map() }));
    const other = end.methods.get(binding.httpMethod)?.binding;
    if (other !== undefined) throw collision(other, binding);
    end.methods.set(binding.httpMethod, { binding, target });
    if (verb !== undefined) this.#verbs.add(verb);
  }

  /**
   * Finds the target of a request.
   *
   * @param path the request target without its query, not decoded
   */
  match(method: string, path: string): RestMatch<T> | undefined {
    if (!path.startsWith("/")) return undefined;
    const segments = path.slice(1).split("/");
    const allow = new Set<string>();
    const target =
      this.#withVerb(method, segments, allow) ??
      // A path whose verb exists is that verb's, even when it takes other methods only.
      (allow.size > 0 ? undefined : find(this.#root, 0, { method, segments, verb: undefined, allow }));
    if (target !== undefined) return { target };
    return allow.size === 0 ? undefined : { target: undefined, allow: [...allow].sort() };
  }

  /** The text after the last colon is a verb only if a rule for this path has it; otherwise it is data. */
  #withVerb(method: string, segments: readonly string[], allow: Set<string>): T | undefined {
    const last = segments.at(-1) ?? "";
    const colon = last.lastIndexOf(":");
    if (colon === -1 || this.#verbs.size === 0) return undefined;
    const verb = decodeSegment(last.slice(colon + 1));
    if (verb === undefined || !this.#verbs.has(verb)) return undefined;
    const before = [...segments.slice(0, -1), last.slice(0, colon)];
    return find(this.#root, 0, { method, segments: before, verb, allow });
  }
}

/** Visits each node at most once, so the cost is bounded by the size of the trie. */
function find<T>(at: Node<T>, depth: number, search: Search): T | undefined {
  const segment = search.segments[depth];
  if (segment === undefined) {
    return end(at, search) ?? (at.multi === undefined ? undefined : end(at.multi, search));
  }
  if (at.literals.size > 0) {
    const text = decodeSegment(segment);
    const literal = text === undefined ? undefined : at.literals.get(text);
    const found = literal === undefined ? undefined : find(literal, depth + 1, search);
    if (found !== undefined) return found;
  }
  if (at.single !== undefined && segment !== "") {
    const found = find(at.single, depth + 1, search);
    if (found !== undefined) return found;
  }
  return at.multi === undefined ? undefined : end(at.multi, search);
}

function end<T>(at: Node<T>, { method, verb, allow }: Search): T | undefined {
  const methods = at.ends.get(verb)?.methods;
  if (methods === undefined) return undefined;
  const found = methods.get(method) ?? (method === "HEAD" ? headOf(methods) : methods.get("*"));
  if (found !== undefined) return found.target;
  for (const name of methods.keys()) allow.add(name);
  if (headOf(methods) !== undefined) allow.add("HEAD");
  return undefined;
}

/** HEAD is GET without the body (RFC 9110, section 9.3.2), unless a rule has it as its own. A stream has no HEAD. */
function headOf<T>(methods: End<T>["methods"]): { readonly target: T } | undefined {
  const get = methods.get("GET") ?? methods.get("*");
  return get?.binding.method.methodKind === "unary" ? get : undefined;
}

function node<T>(): Node<T> {
  return { literals: new Map(), single: undefined, multi: undefined, ends: new Map() };
}

function collision(one: RestBinding, other: RestBinding): Error {
  const name = methodName(other.method);
  return configurationError(
    `the http rules of ${methodName(one.method)} and ${name} collide: "${one.httpMethod} ${one.template.text}" ` +
      `and "${other.template.text}" take the same paths`,
    { method: name },
  );
}
