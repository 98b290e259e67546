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
    timeoutMs: 3_000,
  },
  new RegExp(
    [
      "does not take requests that",
      "hands over every code",
      "calls nobody when the caller has cancelled already: a stream",
      "lets a handler clean up",
      "ends the client's stream when the caller cancels",
    ].join("|"),
  ),
);

const known = /^does not take requests that its answer cut off/;

conforms(
  "protobuf, compressed and by GET where that can be",
  { channel: protobuf({ httpGet: true, compression: "gzip" }) },
  known,
);
conforms("protobuf, without what is optional", { channel: plain(protobuf()) }, known);
conforms(
  "grpc with JSON over TLS",
  {
    channel: grpc({ json: true }),
    mesh: { listen: { tls: certificate("server") }, tls: { ca: testCa } },
  },
  known,
);
conforms(
  "json over a unix socket",
  { channel: json(), mesh: { listen: { path: join(tmpdir(), `mesh-${randomUUID().slice(0, 8)}.sock`) } } },
  known,
);
