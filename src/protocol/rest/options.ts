import type { Registry } from "@bufbuild/protobuf";
import type { UnknownQuery } from "./query.ts";

/** How a component answers REST requests. */
export interface RestOptions {
  /**
   * What is done with query parameters that name no field: `refuse` answers
   * `invalid_argument`, `ignore` lets them be. Default `refuse`.
   */
  readonly unknownQuery?: UnknownQuery | undefined;
  /** Whether answers also have fields that have their default value, such as 0. Default false. */
  readonly emitDefaults?: boolean | undefined;
  /**
   * Whether the empty FieldMask of a PATCH request, whose body is a field, is
   * filled with the paths that the body has, as grpc-gateway does. Other wires
   * do not do that. Default false.
   */
  readonly fillUpdateMask?: boolean | undefined;
  /**
   * Types that may stand in a `google.protobuf.Any`, and types of error details.
   * Default: those of the mesh's JSON codec, which knows the well-known ones,
   * those of `google.rpc` and those of the files of all services that are hosted.
   */
  readonly registry?: Registry | undefined;
}

/** What the handlers of a component's bindings have in common. */
export interface RestServerOptions {
  readonly rest: RestOptions;
  /** Largest request message, also after decompression, in bytes. */
  readonly readMaxBytes: number;
  /** Largest response message, in bytes. */
  readonly writeMaxBytes: number;
}
