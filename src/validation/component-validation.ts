import type { Interceptor } from "@connectrpc/connect";
import type { Component } from "../component/component.ts";
import { validate, validates } from "./validate.ts";
import type { ValidateInterceptor, ValidateOptions } from "./validate.ts";

/** The validation of all components of a mesh. */
export interface ComponentValidation {
  /** What goes before a component's own interceptors: nothing, or the validation. */
  before(component: Component): readonly Interceptor[];
  /** Prepares every validation; rejects with a configuration error when one cannot work. */
  prepare(): Promise<void>;
}

/**
 * Validates the requests of components, except of those that do it themselves.
 *
 * @param option false leaves it to the components alone. Default true.
 */
export function componentValidation(
  components: readonly Component[],
  option: boolean | ValidateOptions = true,
): ComponentValidation {
  const shared = option === false ? undefined : validate(option === true ? {} : option);
  const own = (of: Component): readonly ValidateInterceptor[] => of.interceptors.filter(validates);
  return {
    before(of) {
      return shared === undefined || own(of).length > 0 ? [] : [shared];
    },
    async prepare() {
      const services = (of: Component) => of.services.map(({ service }) => service);
      for (const of of components) {
        for (const interceptor of own(of)) await interceptor.prepareValidation(services(of));
      }
      const rest = components.filter((of) => own(of).length === 0);
      await shared?.prepareValidation(rest.flatMap(services));
    },
  };
}
