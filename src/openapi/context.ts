import type { DescEnum, DescMessage } from "@bufbuild/protobuf";
import type { Comments } from "./comments.ts";
import type { Schema } from "./model.ts";
import type { Rules } from "./rules.ts";

/** Where the schemas of types are kept; asking for one puts it into the document. */
export interface References {
  /** A reference to a message's schema, or the schema itself where it is well-known. */
  message(desc: DescMessage): Schema;
  /** A reference to an enum's schema. */
  enum(desc: DescEnum): Schema;
}

/** What schemas are made with. */
export interface SchemaContext {
  readonly references: References;
  readonly comments: Comments;
  readonly rules: Rules;
  /** Whether what can be absent may be null as well. */
  readonly nullable: boolean;
}
