import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { GreetService } from "../../gen/greet/v1/greet_pb.ts";
import { ValidatedService } from "../../gen/validated/v1/validated_pb.ts";
import { component, createMesh, implement, memory } from "../../src/index.ts";

const run = promisify(execFile);

const mesh = createMesh({
  registry: memory(),
  listen: {},
  drain: { drainDelayMs: 0 },
  components: [
    component({
      services: [
        implement(GreetService, { greet: ({ name }) => ({ message: `hello ${name}` }) }, { partial: true }),
        implement(
          ValidatedService,
          { register: ({ person }) => ({ name: person?.name ?? "" }) },
          { partial: true },
        ),
      ],
    }),
  ],
});

beforeAll(() => mesh.start());
afterAll(() => mesh.close());

/** What `buf curl` prints. It has no contract but what reflection tells it. */
async function curl(path: string, ...options: readonly string[]): Promise<string> {
  const url = `${mesh.address ?? ""}${path}`;
  const { stdout } = await run(
    "node_modules/.bin/buf",
    ["curl", "--http2-prior-knowledge", ...options, url],
    { timeout: 30_000 },
  );
  return stdout;
}

describe.each(["grpc-v1", "grpc-v1alpha"])("buf curl with reflection %s", (version) => {
  const reflect = ["--reflect-protocol", version] as const;

  test("lists the services", async () => {
    expect((await curl("", ...reflect, "--list-services")).trim().split("\n")).toEqual([
      "greet.v1.GreetService",
      "grpc.health.v1.Health",
      "grpc.reflection.v1.ServerReflection",
      "grpc.reflection.v1alpha.ServerReflection",
      "validated.v1.ValidatedService",
    ]);
  });

  test.each(["grpc", "grpcweb", "connect"])("calls a method over %s without its contract", async (protocol) => {
    const said = await curl(
      "/greet.v1.GreetService/Greet",
      ...reflect,
      "--protocol",
      protocol,
      "--data",
      '{"name":"Ada"}',
    );
    expect(JSON.parse(said)).toEqual({ message: "hello Ada" });
  });

  test("understands a contract with rules, maps, oneofs and an edition among its imports", async () => {
    const person = { name: "Ada", nickname: "Countess" };
    const request = { person, scores: { maths: 10 }, phone: "1" };
    const said = await curl(
      "/validated.v1.ValidatedService/Register",
      ...reflect,
      "--data",
      JSON.stringify(request),
    );
    expect(JSON.parse(said)).toEqual({ name: "Ada" });
  });
});
