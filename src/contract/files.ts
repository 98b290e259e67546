import type { DescFile } from "@bufbuild/protobuf";

/**
 * Files together with everything that they import, directly or not: each name
 * once, and every file after those that it imports. Where two files have the
 * same name, the first one that is met stands for both.
 */
export function withImports(files: Iterable<DescFile>): readonly DescFile[] {
  const found = new Map<string, DescFile>();
  const met = new Set<string>();
  const visit = (file: DescFile): void => {
    const { name } = file.proto;
    if (met.has(name)) return;
    met.add(name);
    for (const imported of file.dependencies) visit(imported);
    found.set(name, file);
  };
  for (const file of files) visit(file);
  return [...found.values()];
}
