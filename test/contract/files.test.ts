import { createFileRegistry } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { file_greet_v1_greet } from "../../gen/greet/v1/greet_pb.ts";
import { file_mesh_v1_options } from "../../gen/mesh/v1/options_pb.ts";
import { withImports } from "../../src/contract/files.ts";

test("a file comes after all that it imports, each once", () => {
  const names = withImports([file_greet_v1_greet, file_mesh_v1_options]).map(({ proto }) => proto.name);
  expect(names).toEqual([
    "google/api/http.proto",
    "google/protobuf/descriptor.proto",
    "google/api/annotations.proto",
    "google/protobuf/duration.proto",
    "mesh/v1/options.proto",
    "greet/v1/greet.proto",
  ]);
});

test("of two files with one name the first stands for both", () => {
  const copies = createFileRegistry(file_mesh_v1_options.proto, (name) =>
    file_mesh_v1_options.dependencies.find(({ proto }) => proto.name === name),
  );
  const copy = copies.getFile("mesh/v1/options.proto")!;
  expect(copy).not.toBe(file_mesh_v1_options);
  expect(withImports([copy, file_mesh_v1_options])).toContain(copy);
  expect(withImports([copy, file_mesh_v1_options])).not.toContain(file_mesh_v1_options);
});
