import * as m from "../../src/index.ts";
import { testChannel } from "../../src/testing/channel.ts";
const { grpc, grpcWeb, json, local, msgpack, protobuf, rest } = m;
const bidi = { bidi: "HTTP/1.1 answers only what it has read" };
const h = { httpVersion: "1.1" } as const;
const all: any[] = [
  ["protobuf", protobuf()], ["json", json()], ["msgpack", msgpack()], ["grpc", grpc()], ["grpc-web", grpcWeb()],
  ["rest", rest(), bidi],
  ["local", local(), { limits: "x", connections: "x" }],
  ["protobuf1", protobuf(h), bidi], ["json1", json(h), bidi], ["msgpack1", msgpack(h), bidi], ["grpc-web1", grpcWeb(h), bidi], ["rest1", rest(h), bidi],
  ["protobuf-get", protobuf({ httpGet: true })], ["protobuf-gzip", protobuf({ compression: "gzip" })], ["grpc-json", grpc({ json: true })],
];
const only = process.argv[2] ?? "", pattern = new RegExp(process.argv[3] ?? "");
process.on("unhandledRejection", (e) => console.log("UNHANDLED", e));
for (const [name, channel, lacks] of all) {
  if (only !== "" && name !== only && !(only==='quick' && ['protobuf','grpc','rest','local','protobuf1'].includes(name))) continue;
  const start = performance.now();
  let ok = 0, n = 0;
  for (const one of testChannel({ channel, lacks, timeoutMs: Number(process.env.T ?? 3000) })) {
    if (!pattern.test(one.name)) continue;
    n++;
    const t = performance.now();
    try { await one.run(); ok++; } catch (e: any) { console.log(`  FAIL ${name} | ${one.name} | ${process.env.V ? e.stack : e.message.slice(0, 400)}`); }
    const ms = performance.now() - t;
    if (ms > 700) console.log(`  slow ${name} | ${one.name} ${ms.toFixed(0)}`);
  }
  console.log(name, `${ok}/${n}`, (performance.now() - start).toFixed(0), "ms");
}
