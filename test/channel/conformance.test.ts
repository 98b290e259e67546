import { randomUUID } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { grpc } from "../../src/channel/grpc.ts";
import { json } from "../../src/channel/json.ts";
import { local } from "../../src/channel/local.ts";
import { protobuf } from "../../src/channel/protobuf.ts";
import { certificate, testCa } from "../support/tls.ts";
import { conforms, plain } from "./suite.ts";

conforms(
  "local",
  {
    channel: local(),
    lacks: {
      limits: "messages are handed over as they are",
      connections: "it calls within the process",
    },
  },
);

conforms(
  "protobuf, compressed and by GET where that can be",
  { channel: protobuf({ httpGet: true, compression: "gzip" }) },
);
conforms("protobuf, without what is optional", { channel: plain(protobuf()) });
conforms(
  "grpc with JSON over TLS",
  {
    channel: grpc({ json: true }),
    mesh: { listen: { tls: certificate("server") }, tls: { ca: testCa } },
  },
);
conforms(
  "json over a unix socket",
  { channel: json(), mesh: { listen: { path: join(tmpdir(), `mesh-${randomUUID().slice(0, 8)}.sock`) } } },
);
