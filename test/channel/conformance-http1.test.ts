import { grpcWeb } from "../../src/channel/grpc-web.ts";
import { json } from "../../src/channel/json.ts";
import { msgpack } from "../../src/channel/msgpack.ts";
import { protobuf } from "../../src/channel/protobuf.ts";
import { rest } from "../../src/channel/rest.ts";
import { conforms, noBidi } from "./suite.ts";

const httpVersion = "1.1";
for (const channel of [
  protobuf({ httpVersion }),
  json({ httpVersion }),
  msgpack({ httpVersion }),
  grpcWeb({ httpVersion }),
  rest({ httpVersion }),
]) {
  conforms(`${channel.name} over HTTP/1.1`, { channel, lacks: noBidi });
}
