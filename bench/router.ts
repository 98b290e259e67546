// What finding the method of a REST request costs, among few rules and among many.
//
//   node bench/router.ts [turns, default 15]
//
// The yardstick is looking up a whole RPC path in a map.
import { create, createFileRegistry, setExtension } from "@bufbuild/protobuf";
import type { DescService } from "@bufbuild/protobuf";
import { FieldDescriptorProto_Type, FileDescriptorProtoSchema, MethodOptionsSchema } from "@bufbuild/protobuf/wkt";
import { http } from "../gen/google/api/annotations_pb.ts";
import { HttpRuleSchema } from "../gen/google/api/http_pb.ts";
import type { HttpRule } from "../gen/google/api/http_pb.ts";
import { restBindings } from "../src/protocol/rest/rule.ts";
import { RestTrie } from "../src/protocol/rest/trie.ts";
import { takeTurns } from "./turns.ts";
import type { Lane } from "./turns.ts";

const turns = Number(process.argv[2] ?? 15);
const asked = 1_024;

/** The rules of one resource. */
const shapes: readonly (readonly [HttpRule["pattern"]["case"] & string, (at: number) => string])[] = [
  ["get", (at) => `/v1/things${at}`],
  ["get", (at) => `/v1/things${at}/{a}`],
  ["get", (at) => `/v1/things${at}/{a}/parts/{b}`],
  ["post", (at) => `/v1/things${at}/{a}:archive`],
];

/** A contract with as many rules, four for each resource. */
function contract(rules: number): DescService {
  const methods = Array.from({ length: rules }, (_, at) => {
    const [kind, path] = shapes[at % shapes.length] ?? ["get", () => ""];
    const options = create(MethodOptionsSchema);
    const value = path(Math.floor(at / shapes.length));
    setExtension(options, http, create(HttpRuleSchema, { pattern: { case: kind as "get", value } }));
    return { name: `Method${at}`, inputType: ".many.v1.Thing", outputType: ".many.v1.Thing", options };
  });
  const field = (name: string, number: number) => ({ name, number, type: FieldDescriptorProto_Type.STRING });
  const file = create(FileDescriptorProtoSchema, {
    name: "many/v1/many.proto",
    package: "many.v1",
    syntax: "proto3",
    messageType: [{ name: "Thing", field: [field("a", 1), field("b", 2)] }],
    service: [{ name: "ManyService", method: methods }],
  });
  const service = createFileRegistry(file, () => undefined).getService("many.v1.ManyService");
  if (service === undefined) throw new Error("the contract has no service");
  return service;
}

let found: unknown;

function lanes(rules: number): readonly Lane[] {
  const service = contract(rules);
  const trie = new RestTrie<string>();
  const rpc = new Map<string, string>();
  for (const method of service.methods) {
    for (const binding of restBindings(method)) trie.add(binding, method.name);
    rpc.set(`/${service.typeName}/${method.name}`, method.name);
  }
  const resources = rules / shapes.length;
  const trieLane = (name: string, method: string, path: (at: number) => string, there = true): Lane => {
    const paths = Array.from({ length: asked }, (_, at) => path((at * 7_919) % resources));
    const match = trie.match(method, paths[0] ?? "");
    if ((match?.target !== undefined) !== there) throw new Error(`${method} ${paths[0]} is routed wrongly`);
    return {
      name: `${rules} ${name}`,
      run(repeat) {
        for (let at = 0; at < repeat; at++) found = trie.match(method, paths[at & (asked - 1)] ?? "");
      },
    };
  };
  const rpcPaths = Array.from({ length: asked }, (_, at) => `/${service.typeName}/Method${(at * 7_919) % rules}`);
  return [
    {
      name: `${rules} RPC path in a map`,
      run(repeat) {
        for (let at = 0; at < repeat; at++) found = rpc.get(rpcPaths[at & (asked - 1)] ?? "");
      },
    },
    trieLane("literals", "GET", (at) => `/v1/things${at}`),
    trieLane("one variable", "GET", (at) => `/v1/things${at}/some-id`),
    trieLane("two variables", "GET", (at) => `/v1/things${at}/some-id/parts/17`),
    trieLane("a variable and a verb", "POST", (at) => `/v1/things${at}/some-id:archive`),
    trieLane("encoded text", "GET", (at) => `/v1/things${at}/a%20b%2Fc`),
    trieLane("unknown path", "GET", (at) => `/v1/nothing${at}/some-id`, false),
  ];
}

const sizes = [12, 1_000] as const;
const times = await takeTurns(sizes.flatMap((rules) => lanes(rules)), turns);
console.table(
  [...times].map(([name, nanos]) => {
    const [rules = "", ...what] = name.split(" ");
    const yardstick = times.get(`${rules} RPC path in a map`) ?? 1;
    const ratio = Number((nanos / yardstick).toFixed(1));
    return { rules: Number(rules), path: what.join(" "), ns: Math.round(nanos), ratio };
  }),
);
if (found === null) process.exitCode = 1;
