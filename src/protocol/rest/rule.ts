import { getOption, hasOption } from "@bufbuild/protobuf";
import type { DescField, DescMessage, DescMethod } from "@bufbuild/protobuf";
import { http } from "../../../gen/google/api/annotations_pb.ts";
import type { HttpRule } from "../../../gen/google/api/http_pb.ts";
import { configurationError, errorText } from "../../error.ts";
import { variableFields } from "./field-path.ts";
import type { FieldPath } from "./field-path.ts";
import { parseTemplate } from "./template.ts";
import type { Template, TemplateVariable } from "./template.ts";

/** A variable of a template together with the field that it binds. */
export interface RestVariable extends TemplateVariable {
  /** From the request message to the field; the last one is bound. */
  readonly fields: FieldPath;
}

/** One way to call a method over REST: a `google.api.http` rule, checked against the descriptors. */
export interface RestBinding {
  readonly method: DescMethod;
  /** Position among the bindings of the method: 0 is the rule itself, then its `additional_bindings`. */
  readonly index: number;
  /** HTTP method in capitals; `*` (a `custom` kind) stands for every method. */
  readonly httpMethod: string;
  readonly template: Template;
  /** The template's variables with their fields. */
  readonly variables: readonly RestVariable[];
  /**
   * What the HTTP body holds: `*` is every field that the path does not bind,
   * a field is that field alone, undefined is no body. Fields in neither path
   * nor body are query parameters, except with `*`.
   */
  readonly body: "*" | DescField | undefined;
  /** The only field of the response that is sent; undefined sends the whole message. */
  readonly responseBody: DescField | undefined;
}

const known = new WeakMap<DescMethod, readonly RestBinding[]>();

/**
 * The REST bindings of a method; none without a `google.api.http` rule. Throws
 * a configuration error that names the method and the template when a rule
 * cannot work.
 */
export function restBindings(method: DescMethod): readonly RestBinding[] {
  let bindings = known.get(method);
  if (bindings === undefined) {
    bindings = readRules(method);
    known.set(method, bindings);
  }
  return bindings;
}

/** The name of a method in messages: `package.Service.Method`. */
export function methodName(method: DescMethod): string {
  return `${method.parent.typeName}.${method.name}`;
}

function readRules(method: DescMethod): readonly RestBinding[] {
  if (!hasOption(method, http)) return [];
  const rule = getOption(method, http);
  return [rule, ...rule.additionalBindings].map((each, index) => {
    try {
      if (index > 0 && each.additionalBindings.length > 0) throw new Error("additional_bindings may not be nested");
      return binding(method, each, index);
    } catch (error) {
      const where = index === 0 ? "http rule" : `additional binding ${index}`;
      throw configurationError(`the ${where} of ${methodName(method)} cannot work: ${errorText(error)}`, {
        method: methodName(method),
      });
    }
  });
}

function binding(method: DescMethod, rule: HttpRule, index: number): RestBinding {
  const { httpMethod, path } = pattern(rule);
  const template = parseTemplate(path);
  const fail = (why: string): Error => new Error(`${why} (in "${httpMethod} ${path}")`);
  if (method.methodKind === "bidi_streaming") {
    throw fail("the method streams in both directions, which REST cannot carry; remove the rule");
  }
  const variables = template.variables.map((variable): RestVariable => {
    const fields = variableFields(method.input, variable.fieldPath);
    if (typeof fields === "string") throw fail(`the variable ${variable.fieldPath} cannot be bound: ${fields}`);
    return { ...variable, fields };
  });
  if (setOneofTwice(variables)) throw fail("two variables set the same oneof");
  const body = rule.body === "*" || rule.body === "" ? rule.body : fieldOf(method.input, rule.body);
  if (body === undefined) throw fail(`body: ${method.input.typeName} has no field ${rule.body}`);
  if (body !== "" && (httpMethod === "GET" || httpMethod === "HEAD")) throw fail(`a ${httpMethod} has no body`);
  if (httpMethod === "HEAD" && method.methodKind !== "unary") throw fail("an answer to HEAD has nothing to stream");
  if (body === "" && method.methodKind === "client_streaming") {
    throw fail("the method streams from the client, so the rule needs a body");
  }
  if (variables.some(({ fields }) => fields.length === 1 && fields[0] === body)) {
    throw fail(`body: the path already binds ${rule.body}`);
  }
  const responseBody = rule.responseBody === "" ? undefined : fieldOf(method.output, rule.responseBody);
  if (rule.responseBody !== "" && responseBody === undefined) {
    throw fail(`response_body: ${method.output.typeName} has no field ${rule.responseBody}`);
  }
  return { method, index, httpMethod, template, variables, body: body === "" ? undefined : body, responseBody };
}

function pattern({ pattern: { case: kind, value } }: HttpRule): { httpMethod: string; path: string } {
  if (kind === undefined) throw new Error("it has no pattern; add get, put, post, delete, patch or custom");
  if (kind !== "custom") return { httpMethod: kind.toUpperCase(), path: value };
  const httpMethod = value.kind.toUpperCase();
  // A token (RFC 9110, section 5.6.2), of which `*` is one. CONNECT asks for a tunnel.
  if (!/^[!#$%&'*+.^`|~\w-]+$/.test(httpMethod) || httpMethod === "CONNECT") {
    throw new Error(`"${value.kind}" is not a usable HTTP method (in "${value.path}")`);
  }
  return { httpMethod, path: value.path };
}

function fieldOf(message: DescMessage, name: string): DescField | undefined {
  return message.fields.find((field) => field.name === name);
}

/** Whether two variables set different members of one oneof, so that one would undo the other. */
function setOneofTwice(variables: readonly RestVariable[]): boolean {
  const members = new Map<string, DescField>();
  for (const { fields } of variables) {
    let message = "";
    for (const field of fields) {
      if ("oneof" in field && field.oneof !== undefined) {
        const oneof = `${message}${field.oneof.name}`;
        if ((members.get(oneof) ?? field) !== field) return true;
        members.set(oneof, field);
      }
      message += `${field.name}.`;
    }
  }
  return false;
}
