import type { DescField, DescMessage, DescMethod } from "@bufbuild/protobuf";
import type { Comments } from "./comments.ts";
import type { Names } from "./names.ts";
import type { Operation } from "./model.ts";
import type { OpenApiOptions } from "./options.ts";
import { prose, words } from "./prose.ts";
import type { Schemas } from "./schemas.ts";

/** What operations are made with. */
export interface OperationContext {
  readonly schemas: Schemas;
  readonly names: Names;
  readonly comments: Comments;
  readonly options: OpenApiOptions;
}

/** What every operation of a method has, on every wire. */
export function operationHead(
  method: DescMethod,
  { names, comments, options }: OperationContext,
): Pick<Operation, "tags" | "summary" | "description" | "deprecated" | "security"> {
  const comment = comments.of(method);
  const security = options.security?.of?.(method);
  return {
    tags: [names.tag(method.parent)],
    ...(comment === undefined ? { summary: words(method.name) } : prose(comment)),
    ...(method.deprecated || method.parent.deprecated ? { deprecated: true } : {}),
    ...(security === undefined ? {} : { security }),
  };
}

/** The words for a good answer: what its contract says about it, as far as that is the user's. */
export function successWords(of: DescMessage | DescField, { context }: Schemas): string {
  const { file } = of.kind === "field" ? of.parent : of;
  const comment = file.proto.package.startsWith("google.") ? undefined : context.comments.of(of);
  return comment === undefined ? "Success." : `${prose(comment).summary}.`;
}
