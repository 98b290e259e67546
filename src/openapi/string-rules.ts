import { keywords, note, shown, together, unconstrained } from "./constraint.ts";
import type { Constraint } from "./constraint.ts";
import type { Json, Schema } from "./model.ts";
import type { TypeRules } from "./rules.ts";

/** The well-known forms of `buf.validate.StringRules`, by their JSON names. */
const wellKnown: Readonly<Record<string, Schema>> = {
  email: { format: "email" },
  hostname: { format: "hostname" },
  ip: { anyOf: [{ format: "ipv4" }, { format: "ipv6" }] },
  ipv4: { format: "ipv4" },
  ipv6: { format: "ipv6" },
  uri: { format: "uri" },
  uriRef: { format: "uri-reference" },
  address: { anyOf: [{ format: "hostname" }, { format: "ipv4" }, { format: "ipv6" }] },
  uuid: { format: "uuid" },
  tuuid: { pattern: "^[0-9a-fA-F]{32}$" },
  ulid: { pattern: "^[0-7][0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{25}$" },
  protobufFqn: { pattern: String.raw`^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$` },
  protobufDotFqn: { pattern: String.raw`^\.[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$` },
};

/** Well-known forms that have neither a format nor a short pattern. */
const wellKnownWords: Readonly<Record<string, string>> = {
  ipWithPrefixlen: "an IP address with its prefix length",
  ipv4WithPrefixlen: "an IPv4 address with its prefix length",
  ipv6WithPrefixlen: "an IPv6 address with its prefix length",
  ipPrefix: "an IP prefix",
  ipv4Prefix: "an IPv4 prefix",
  ipv6Prefix: "an IPv6 prefix",
  hostAndPort: "a host and a port",
};

/** What the rules of a string say. JSON Schema counts characters as protovalidate does. */
export function stringRules(rules: TypeRules): Constraint {
  return together(...Object.entries(rules).map(([name, value]) => stringRule(name, value)));
}

function stringRule(name: string, value: Json): Constraint {
  switch (name) {
    case "const":
      return keywords({ const: value });
    case "len":
      return keywords({ minLength: Number(value), maxLength: Number(value) });
    case "minLen":
      return keywords({ minLength: Number(value) });
    case "maxLen":
      return keywords({ maxLength: Number(value) });
    // No character has fewer than 1 or more than 4 bytes.
    case "lenBytes":
      return together(
        keywords({ minLength: Math.ceil(Number(value) / 4), maxLength: Number(value) }),
        note(`Must have ${shown(value)} bytes in UTF-8.`),
      );
    case "minBytes":
      return together(
        keywords({ minLength: Math.ceil(Number(value) / 4) }),
        note(`Must have at least ${shown(value)} bytes in UTF-8.`),
      );
    case "maxBytes":
      return together(
        keywords({ maxLength: Number(value) }),
        note(`Must have at most ${shown(value)} bytes in UTF-8.`),
      );
    case "pattern":
      return matching(shown(value));
    case "prefix":
      return keywords({ pattern: `^${escape(value)}` });
    case "suffix":
      return keywords({ pattern: `${escape(value)}$` });
    case "contains":
      return keywords({ pattern: escape(value) });
    case "notContains":
      return keywords({ not: { pattern: escape(value) } });
    case "in":
      return keywords({ enum: value as readonly Json[] });
    case "notIn":
      return keywords({ not: { enum: value as readonly Json[] } });
    case "example":
      return keywords({ examples: value as readonly Json[] });
    case "wellKnownRegex":
      return note(`Must be the ${value === "KNOWN_REGEX_HTTP_HEADER_NAME" ? "name" : "value"} of an HTTP header.`);
    default:
      return value === true ? form(name) : unconstrained;
  }
}

function form(name: string): Constraint {
  const schema = wellKnown[name];
  if (schema !== undefined) return keywords(schema);
  const words = wellKnownWords[name];
  return words === undefined ? unconstrained : note(`Must be ${words}.`);
}

/** protovalidate takes RE2 expressions; those that JavaScript does not know are told in words. */
export function matching(expression: string): Constraint {
  try {
    // The flag that JSON Schema, section 6.4, asks for.
    void new RegExp(expression, "u");
    return keywords({ pattern: expression });
  } catch {
    return note(`Must match the RE2 expression \`${expression}\`.`);
  }
}

function escape(text: Json): string {
  return shown(text).replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`);
}
