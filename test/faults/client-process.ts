// A client of a scenario as a process of its own, which is to be killed: it reads 50
// streams of the server at argv[2]. It ends when the channel to its parent does.
import { ChannelTestService } from "../../gen/testing/v1/channel_pb.ts";
import { createMesh, instance } from "../../src/index.ts";
import { ScriptedRegistry } from "../support/scripted-registry.ts";

process.once("disconnect", () => process.exit(1));
const registry = new ScriptedRegistry();
const channels = { protobuf: process.argv[2] ?? "" };
registry.show(instance({ id: "server", component: "server", services: [ChannelTestService.typeName], channels }));
const client = createMesh({ registry }).client(ChannelTestService);
await Promise.all(
  Array.from({ length: 50 }, async (_, at) => {
    for await (const answer of client.download({ text: `stream ${at}`, number: 100n }, { timeoutMs: 60_000 })) {
      if (answer.number === 99n) return;
    }
  }),
);
