/** One greeter process, on a free port of the loopback. */
import { createMesh } from "../../src/index.ts";
import { run } from "../run.ts";
import { greeter } from "./greeter.ts";

const component = greeter();
await run(createMesh({ components: [component], listen: { port: 0 } }), component);
