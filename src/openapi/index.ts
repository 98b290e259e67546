// `connect-mesh/openapi`: documents without a server. Apart from the main entry, which stays light.
export { openapi } from "./openapi.ts";
export type { OpenApiOptions, OpenApiSecurity, OperationWire } from "./options.ts";
export type {
  Content,
  ExternalDocs,
  HttpMethod,
  Info,
  Json,
  MediaType,
  OpenApiDocument,
  Operation,
  Parameter,
  PathItem,
  RequestBody,
  Response,
  Schema,
  SecurityRequirement,
  SecurityScheme,
  ServerEntry,
  Tag,
} from "./model.ts";
