import type { UnaryForm, UnaryMethod } from "../unary/form.ts";
import type { UnaryRoute } from "../unary/route.ts";
import type { RestServerOptions } from "./options.ts";
import type { RestBinding } from "./rule.ts";
import { restForm } from "./server-form.ts";

/** How REST calls of a unary method by one binding are made in one piece, if they can be. */
export function restRoute(method: UnaryMethod, binding: RestBinding, options: RestServerOptions): UnaryRoute {
  // Compiled at the first call: most bindings of a large contract are never called by most callers.
  let form: UnaryForm | undefined;
  let known = false;
  return {
    method,
    form(contentType) {
      if (contentType !== undefined && contentType !== "application/json") return undefined;
      if (!known) {
        form = restForm(binding, options);
        known = true;
      }
      return form;
    },
  };
}
