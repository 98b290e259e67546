import { rest } from "../../src/channel/rest.ts";
import { grpcWeb } from "../../src/channel/grpc-web.ts";
import { grpc } from "../../src/channel/grpc.ts";
import { json } from "../../src/channel/json.ts";
import { msgpack } from "../../src/channel/msgpack.ts";
import { protobuf } from "../../src/channel/protobuf.ts";
import { conforms } from "./suite.ts";

for (const channel of [protobuf(), json(), msgpack(), grpc(), grpcWeb()]) {
  conforms(channel.name, { channel });
}
conforms("rest", { channel: rest(), lacks: { bidi: "REST has no stream in both directions" } });
