// Compiles src/ and the generated code it uses into dist/.
import { rmSync } from "node:fs";
import { resolve } from "node:path";
import { root, run } from "./run.ts";

rmSync(resolve(root, "dist"), { recursive: true, force: true });
run("tsc", "-p", "tsconfig.build.json");
