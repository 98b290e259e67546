/** Anything that JSON can hold. */
export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [key: string]: Json };

/** Extensions of the specification: any field whose name begins with `x-`. */
export interface Extensions {
  /** Undefined only for those without `exactOptionalPropertyTypes`, to whom an optional extension may be. */
  readonly [extension: `x-${string}`]: Json | undefined;
}

/** A JSON Schema 2020-12, with the keywords that documents of connect-mesh use. */
export interface Schema extends Extensions {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly deprecated?: boolean;
  readonly readOnly?: boolean;
  readonly writeOnly?: boolean;
  readonly examples?: readonly Json[];
  readonly enum?: readonly Json[];
  readonly const?: Json;
  readonly format?: string;
  readonly pattern?: string;
  readonly contentEncoding?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly uniqueItems?: boolean;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly propertyNames?: Schema;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly allOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly not?: Schema;
}

/** A parameter of a path, a query or a header. */
export interface Parameter extends Extensions {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly description?: string;
  readonly required?: boolean;
  readonly deprecated?: boolean;
  readonly style?: string;
  readonly explode?: boolean;
  readonly schema?: Schema;
  readonly content?: Content;
}

/** What a body looks like, by media type. */
export type Content = Readonly<Record<string, MediaType>>;

/** A body in one media type. */
export interface MediaType extends Extensions {
  readonly schema: Schema;
  readonly examples?: { readonly [name: string]: Json };
}

/** The body of a request. */
export interface RequestBody extends Extensions {
  readonly description?: string;
  readonly required?: boolean;
  readonly content: Content;
}

/** An answer. */
export interface Response extends Extensions {
  readonly description: string;
  readonly content?: Content;
}

/** Names of security schemes, all of which are needed, with their scopes. */
export type SecurityRequirement = Readonly<Record<string, readonly string[]>>;

/** A security scheme; its fields are those of the specification, section 4.8.27. */
export interface SecurityScheme extends Extensions {
  readonly type: "apiKey" | "http" | "mutualTLS" | "oauth2" | "openIdConnect";
  readonly description?: string;
  readonly name?: string;
  readonly in?: "query" | "header" | "cookie";
  readonly scheme?: string;
  readonly bearerFormat?: string;
  readonly flows?: { readonly [flow: string]: Json };
  readonly openIdConnectUrl?: string;
}

/** One way to call a method. */
export interface Operation extends Extensions {
  readonly tags?: readonly string[];
  readonly summary?: string;
  readonly description?: string;
  readonly operationId: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: RequestBody;
  readonly responses: Readonly<Record<string, Response>>;
  readonly deprecated?: boolean;
  readonly security?: readonly SecurityRequirement[];
}

/** The HTTP methods that OpenAPI 3.1 has a place for, in the order of the document. */
export const httpMethods = [
  "get",
  "put",
  "post",
  "delete",
  "options",
  "head",
  "patch",
  "trace",
] as const;

/** An HTTP method that OpenAPI 3.1 has a place for. */
export type HttpMethod = (typeof httpMethods)[number];

/** The operations of a path. */
export type PathItem = { readonly [method in HttpMethod]?: Operation } & {
  /** Operations with other methods, as OpenAPI 3.2 has them in `additionalOperations`. */
  readonly "x-additionalOperations"?: Readonly<Record<string, Operation>>;
};

/** What the document is about. */
export interface Info extends Extensions {
  readonly title: string;
  readonly version: string;
  readonly summary?: string;
  readonly description?: string;
  readonly termsOfService?: string;
  readonly contact?: { readonly name?: string; readonly url?: string; readonly email?: string };
  readonly license?: { readonly name: string; readonly identifier?: string; readonly url?: string };
}

/** Where more is told. */
export interface ExternalDocs {
  readonly url: string;
  readonly description?: string;
}

/** Where the operations are. */
export interface ServerEntry {
  /** May be relative to the document. */
  readonly url: string;
  readonly description?: string;
}

/** A group of operations: one for each service. */
export interface Tag {
  readonly name: string;
  readonly description?: string;
}

/** An OpenAPI 3.1 document; plain JSON. */
export interface OpenApiDocument extends Extensions {
  readonly openapi: "3.1.1";
  readonly info: Info;
  readonly jsonSchemaDialect: string;
  readonly servers: readonly ServerEntry[];
  readonly paths: Readonly<Record<string, PathItem>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, Schema>>;
    readonly securitySchemes?: Readonly<Record<string, SecurityScheme>>;
  };
  readonly security: readonly SecurityRequirement[];
  readonly tags: readonly Tag[];
  readonly externalDocs?: ExternalDocs;
  /**
   * What the document cannot tell, one sentence each: bindings that OpenAPI
   * cannot tell apart from others. Absent when there is nothing.
   */
  readonly "x-left-out"?: readonly string[];
}
