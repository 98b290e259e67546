// BenchService once more, with a REST rule for each method, so that the rules
// weigh on nobody but the channel that needs them.
import { clone, create, createFileRegistry, setExtension } from "@bufbuild/protobuf";
import type { DescFile } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, MethodOptionsSchema } from "@bufbuild/protobuf/wkt";
import { BenchService } from "../gen/bench/v1/bench_pb.ts";
import { http } from "../gen/google/api/annotations_pb.ts";
import { HttpRuleSchema } from "../gen/google/api/http_pb.ts";

/** The bench contract with `POST /bench/{method}` and the whole message as the body. */
export function restContract(): typeof BenchService {
  const file = clone(FileDescriptorProtoSchema, BenchService.file.proto);
  for (const service of file.service) {
    for (const method of service.method) {
      const rule = create(HttpRuleSchema, { pattern: { case: "post", value: `/bench/${method.name}` }, body: "*" });
      method.options ??= create(MethodOptionsSchema);
      setExtension(method.options, http, rule);
    }
  }
  const dependencies = new Map(known(BenchService.file).map((of) => [of.proto.name, of.proto]));
  const service = createFileRegistry(file, (name) => dependencies.get(name)).getService(BenchService.typeName);
  if (service === undefined) throw new Error("the contract has lost its service");
  // The methods are the same, and so are their types.
  return service as unknown as typeof BenchService;
}

function known(file: DescFile): readonly DescFile[] {
  return file.dependencies.flatMap((of) => [of, ...known(of)]);
}
