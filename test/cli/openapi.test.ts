import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { greeter } from "../../examples/greeter/greeter.ts";
import { LibraryService } from "../../gen/library/v1/library_pb.ts";
import { component, implement } from "../../src/index.ts";
import { run } from "../support/run.ts";
import { World } from "./cli.ts";

interface Document {
  readonly openapi: string;
  readonly info: object;
  readonly paths: Readonly<Record<string, Readonly<Record<string, { summary?: string; description?: string }>>>>;
}

const greetPath = "/v1/greet/{name}";

describe("mesh openapi", () => {
  let world: World;
  let image: string;
  let address: string;
  beforeAll(async () => {
    world = await World.make();
    image = join(world.directory, "image.binpb");
    expect(await run("buf", ["build", "-o", image])).toMatchObject({ code: 0 });
    ({ address } = await world.host(greeter({ version: "1.2.3" })));
    const library = implement(LibraryService, {}, { partial: true });
    await world.host(component({ name: "library", version: "2.0.0", services: [library] }));
  });
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
  });

  async function document(...args: readonly string[]): Promise<Document> {
    const { code, stdout, stderr } = await world.run(["openapi", ...args]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    return JSON.parse(stdout) as Document;
  }

  it("describes all services in the registry, or those that are named", async () => {
    const [all, one] = await Promise.all([document(), document("greet.v1.GreetService")]);
    expect(all).toMatchObject({ openapi: "3.1.1", info: { title: "greeter, library", version: "0.0.0" } });
    expect(Object.keys(all.paths)).toContain(greetPath);
    expect(Object.keys(all.paths).length).toBeGreaterThan(5);
    expect(one.info).toEqual({ title: "greeter", version: "1.2.3" });
    expect(Object.keys(one.paths)).toEqual([greetPath]);
  });

  it("describes what an address serves", async () => {
    const [all, one] = await Promise.all([
      document("--address", address),
      document("--address", address, "greet.v1.GreetService"),
    ]);
    expect(Object.keys(all.paths)).toEqual([greetPath]);
    expect(one).toEqual(all);
  });

  it("describes what is in an image, with its comments", async () => {
    const found = await document("--image", image, "greet.v1.GreetService");
    expect(found.paths[greetPath]?.["get"]?.summary).toMatch(/^Greet answers one name with one greeting/);
    expect(Object.keys((await document("--image", image)).paths).length).toBeGreaterThan(5);
  });

  it("describes the same from an image in JSON: options of the contract are read from it, too", async () => {
    const inJson = join(world.directory, "image.json");
    expect(await run("buf", ["build", "-o", inJson])).toMatchObject({ code: 0 });
    const [one, other] = await Promise.all([document("--image", inJson), document("--image", image)]);
    expect(one).toEqual(other);
  });

  it("adds the Connect protocol on request", async () => {
    const { paths } = await document("--image", image, "greet.v1.GreetService", "--connect");
    expect(paths).toHaveProperty([greetPath, "get"]);
    expect(paths).toHaveProperty(["/greet.v1.GreetService/Greet", "post"]);
  });

  it("is one line with --json, and many without", async () => {
    const args = ["openapi", "--image", image, "greet.v1.GreetService"];
    const [people, programs] = await Promise.all([world.run(args), world.run([...args, "--json"])]);
    expect(programs.stdout.trimEnd()).not.toContain("\n");
    expect(people.stdout).toContain('\n  "paths": {\n');
    expect(JSON.parse(people.stdout)).toEqual(JSON.parse(programs.stdout));
  });

  it("says so when there is nothing to describe", async () => {
    const { code, stdout, stderr } = await world.run(["openapi", "--image", image, "grpc.health.v1.Health"]);
    expect(code).toBe(0);
    expect((JSON.parse(stdout) as Document).paths).toEqual({});
    expect(stderr).toContain("no method has a google.api.http rule; --connect adds the Connect protocol");
  });

  it.each([
    [["greet.v1.GretService"], 1, "there is no service greet.v1.GretService; did you mean greet.v1.GreetService?"],
    [["--image", "none"], 2, "--image none: ENOENT"],
    [["--image", "x", "--address", "http://127.0.0.1:1"], 2, "--image and --address exclude each other"],
    [["--address", "http://127.0.0.1:1"], 1, "the contracts cannot be read: cannot connect to http://127.0.0.1:1"],
    [["--address", "nowhere"], 2, "--address nowhere: must be http://host:port"],
  ])("fails with what is wrong: %j", async (args, code, text) => {
    const ran = await world.inProcess(["openapi", ...args]);
    expect(ran).toMatchObject({ code, stdout: "" });
    expect(ran.stderr).toContain(text);
  });
});
