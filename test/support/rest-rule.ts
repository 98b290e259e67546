import { clone, create, setExtension } from "@bufbuild/protobuf";
import type { DescMethod, DescService, MessageInitShape } from "@bufbuild/protobuf";
import { MethodDescriptorProtoSchema, MethodOptionsSchema } from "@bufbuild/protobuf/wkt";
import { http } from "../../gen/google/api/annotations_pb.ts";
import { HttpRuleSchema } from "../../gen/google/api/http_pb.ts";
import { restBindings } from "../../src/protocol/rest/rule.ts";
import type { RestBinding } from "../../src/protocol/rest/rule.ts";

/** A rule as the tests write it. */
export type Rule = MessageInitShape<typeof HttpRuleSchema>;

/** A rule with a `get` and so on by its HTTP method; others are `custom`. */
export function rule(httpMethod: string, path: string, more: Rule = {}): Rule {
  const known = ["get", "put", "post", "delete", "patch"] as const;
  const kind = known.find((each) => each.toUpperCase() === httpMethod);
  const pattern =
    kind === undefined
      ? ({ case: "custom", value: { kind: httpMethod, path } } as const)
      : ({ case: kind, value: path } as const);
  return { pattern, ...more };
}

/** A method that has another rule in its contract. */
export function withRule<M extends DescMethod>(method: M, init: Rule): M {
  const proto = clone(MethodDescriptorProtoSchema, method.proto);
  proto.options ??= create(MethodOptionsSchema);
  setExtension(proto.options, http, create(HttpRuleSchema, init));
  return { ...method, proto };
}

/** A service whose methods have these rules, by name, and no others. */
export function withRules<S extends DescService>(service: S, rules: Readonly<Record<string, Rule>>): S {
  const methods = service.methods.map((method) => {
    const init = rules[method.name];
    return init === undefined ? method : withRule(method, init);
  });
  const method = Object.fromEntries(methods.map((each) => [each.localName, each]));
  return { ...service, methods, method };
}

/** The only binding of a method with a rule. */
export function bindingOf(method: DescMethod, init: Rule): RestBinding {
  const [binding, ...others] = restBindings(withRule(method, init));
  if (binding === undefined || others.length > 0) throw new Error("not exactly one binding");
  return binding;
}
