import { hasOption } from "@bufbuild/protobuf";
import type { DescMessage } from "@bufbuild/protobuf";
import { field, message, oneof } from "../../gen/buf/validate/validate_pb.ts";

/**
 * Whether a message, or one that it can contain, has protovalidate rules in its
 * contract. Without any, nothing has to be checked.
 */
export function hasRules(desc: DescMessage): boolean {
  const seen = new Set<DescMessage>();
  const search = (of: DescMessage): boolean => {
    if (seen.has(of)) return false;
    seen.add(of);
    if (hasOption(of, message) || of.oneofs.some((one) => hasOption(one, oneof))) return true;
    return of.fields.some(
      (one) => hasOption(one, field) || (one.message !== undefined && search(one.message)),
    );
  };
  return search(desc);
}
