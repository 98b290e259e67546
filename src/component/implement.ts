import type { DescService } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import { configurationError } from "../error.ts";

/** A service together with its implementation. Made by {@link implement}. */
export interface Binding {
  readonly service: DescService;
  readonly implementation: Readonly<Record<string, unknown>>;
}

/**
 * Binds an implementation to a service. A missing method is a compile error,
 * and a configuration error for callers without types; with `partial: true`
 * missing methods answer `unimplemented`.
 */
export function implement<S extends DescService>(
  service: S,
  implementation: ServiceImpl<S>,
  options?: { readonly partial?: false },
): Binding;
export function implement<S extends DescService>(
  service: S,
  implementation: Partial<ServiceImpl<S>>,
  options: { readonly partial: true },
): Binding;
export function implement<S extends DescService>(
  service: S,
  implementation: Partial<ServiceImpl<S>>,
  options: { readonly partial?: boolean } = {},
): Binding {
  const methods = implementation as Readonly<Record<string, unknown>>;
  const missing = service.methods.filter((m) => typeof methods[m.localName] !== "function");
  if (missing.length > 0 && options.partial !== true) {
    throw configurationError(
      `the implementation of ${service.typeName} lacks ${missing.map((m) => m.localName).join(", ")}; ` +
        "add them, or pass { partial: true }",
      { service: service.typeName },
    );
  }
  return { service, implementation: methods };
}
