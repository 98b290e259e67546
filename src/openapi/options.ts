import type { DescMethod } from "@bufbuild/protobuf";
import type { FileDescriptorSet } from "@bufbuild/protobuf/wkt";
import type {
  ExternalDocs,
  Info,
  Operation,
  SecurityRequirement,
  SecurityScheme,
  ServerEntry,
} from "./model.ts";

/** How an operation is called: by its `google.api.http` rules, or over the Connect protocol. */
export type OperationWire = "rest" | "connect";

/** Who may call what. */
export interface OpenApiSecurity {
  /** The ways to authenticate, by name. */
  readonly schemes: Readonly<Record<string, SecurityScheme>>;
  /** What operations need of which {@link of} says nothing: one of these. Default none. */
  readonly default?: readonly SecurityRequirement[] | undefined;
  /** What a method needs: one of these, nothing when the list is empty, the default when undefined. */
  readonly of?: ((method: DescMethod) => readonly SecurityRequirement[] | undefined) | undefined;
}

/** Options of {@link openapi}. */
export interface OpenApiOptions {
  /** Title, version and more. Default title `API` and version `0.0.0`; a mesh takes its component's. */
  readonly info?: Partial<Info> | undefined;
  /** Where the operations are. Default `/`: where the document came from. */
  readonly servers?: readonly ServerEntry[] | undefined;
  /** Where more is told. Default nothing. */
  readonly externalDocs?: ExternalDocs | undefined;
  /**
   * The contracts with their comments, as `buf build -o image.binpb` makes
   * them: the bytes of that file, or the message. Without it there are no
   * descriptions, because generated code has no comments.
   */
  readonly image?: Uint8Array | FileDescriptorSet | undefined;
  /** Whether operations of the Connect protocol are in it as well. Default false. */
  readonly connect?: boolean | undefined;
  /**
   * Names of the formats that Connect operations take, as they are in content
   * types; a method without any is left out. Default `["json"]`; a mesh takes
   * those that it serves, but for `proto`.
   */
  readonly connectTypes?: readonly string[] | ((method: DescMethod) => readonly string[]) | undefined;
  /** Which methods are in it, by wire. Default all that have rules, and all for Connect. */
  readonly include?: ((method: DescMethod, wire: OperationWire) => boolean) | undefined;
  /** Security schemes and who needs them. Default none. */
  readonly security?: OpenApiSecurity | undefined;
  /**
   * Whether fields that are `optional` or wrappers have the type `[T, "null"]`.
   * Off is for tools that only know OpenAPI 3.0. Default true.
   */
  readonly nullable?: boolean | undefined;
  /** Changes an operation: adds examples, `x-` extensions, other errors. Default none. */
  readonly customize?:
    | ((operation: Operation, method: DescMethod, wire: OperationWire) => Operation)
    | undefined;
}
