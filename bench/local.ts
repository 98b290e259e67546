// What a unary call within the process costs, through `mesh.client` and over a registry.
//
//   node bench/local.ts [turns, default 15]
//
// The yardsticks are awaiting the implementation itself, and the transport that
// Connect has for calls within a process.
import { createClient, createRouterTransport } from "@connectrpc/connect";
import { BenchService } from "../gen/bench/v1/bench_pb.ts";
import { contenderOf } from "./contenders.ts";
import { echo } from "./contenders/echo.ts";
import { messageOf } from "./messages.ts";
import { takeTurns } from "./turns.ts";
import type { Lane } from "./turns.ts";

const turns = Number(process.argv[2] ?? 15);
const names = ["hello", "record", "tree"];

/** One call after another. */
function lane(name: string, call: () => Promise<unknown>): Lane {
  return {
    name,
    async run(repeat) {
      for (let at = 0; at < repeat; at++) await call();
    },
  };
}

const local = await (await contenderOf("mesh-local")).connect("");
const router = createClient(BenchService, createRouterTransport(({ service }) => service(BenchService, echo)));
const lanes = names.flatMap((name) => {
  const message = messageOf(name);
  const call = router[message.method.localName as "echoHello"].bind(router);
  return [
    lane(`${name}: the implementation`, async () => echo.echoHello(message.message)),
    lane(`${name}: mesh local`, local.unary(message)),
    lane(`${name}: createRouterTransport`, () => call(message.message as never)),
  ];
});
const times = await takeTurns(lanes, turns);
console.table([...times].map(([name, nanos]) => ({ call: name, ns: Math.round(nanos) })));
await local.close();
