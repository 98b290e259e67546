import type { FastifyInstance } from "fastify";
import { refusalBody, unknownPath } from "../protocol/rest/refusal.ts";
import type { RestBinding } from "../protocol/rest/rule.ts";

/**
 * Fastify's URLs for the paths of REST bindings: the literal beginning of each,
 * and everything below it where variables follow. What they take beyond the
 * rules is turned away by the rules themselves; routes of the app that are more
 * exact win.
 */
export function restUrls(bindings: readonly RestBinding[]): readonly string[] {
  return [...new Set(bindings.flatMap(urlsOf))];
}

function urlsOf({ template: { segments, verb } }: RestBinding): readonly string[] {
  let literal = "";
  for (const [at, segment] of segments.entries()) {
    const plain = segment.kind === "literal" && /^[-.~\w]+$/.test(segment.text);
    if (!plain) {
      // Fastify decodes before it compares, so other literals are left to the rules. `**` may also be nothing.
      const none = segment.kind === "multi" && at > 0 ? exact(literal, verb) : [];
      return [`${literal}/*`, ...none];
    }
    literal += `/${segment.text}`;
  }
  return exact(literal, verb);
}

function exact(literal: string, verb: string | undefined): readonly string[] {
  if (verb === undefined) return [literal];
  // A colon begins a parameter; two are one.
  return /^[-.~\w]+$/.test(verb) ? [`${literal}::${verb}`] : [`${literal.slice(0, literal.lastIndexOf("/"))}/*`];
}

/** HTTP methods of rules that an app does not know yet. */
export function restMethods(bindings: readonly RestBinding[], app: FastifyInstance): readonly string[] {
  const methods = new Set(bindings.map(({ httpMethod }) => httpMethod));
  return [...methods].filter((method) => method !== "*" && !app.supportedMethods.includes(method));
}

/** Answers unknown paths in the words of REST, unless the app has an answer of its own. */
export function unknownPaths(app: FastifyInstance): void {
  try {
    app.setNotFoundHandler((request, reply) => {
      const { status, error } = unknownPath(request.method, request.url);
      return reply.status(status).type("application/json").send(refusalBody(error));
    });
  } catch {
    // There can be one only, and the app's own comes first.
  }
}
