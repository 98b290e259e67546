import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { front } from "../../examples/front/front.ts";
import { greeter } from "../../examples/greeter/greeter.ts";
import { GreetRequestSchema, GreetService } from "../../gen/greet/v1/greet_pb.ts";
import { LibraryService } from "../../gen/library/v1/library_pb.ts";
import { component, implement, instance } from "../../src/index.ts";
import { until } from "../../src/testing/until.ts";
import { run } from "../support/run.ts";
import { values, World } from "./cli.ts";

const path = (method: string): string => `greet.v1.GreetService/${method}`;

/** Set by a call of `library.v1.LibraryService/WatchBooks`. */
let watching: { readonly signal: AbortSignal } | undefined;

/** What a greeter does not do: headers, details, a stream that stays open, any types. */
const library = component({
  name: "library",
  services: [
    implement(
      LibraryService,
      {
        getBook({ name }, { requestHeader, responseHeader, responseTrailer }) {
          responseHeader.set("x-answer", requestHeader.get("x-question") ?? "none");
          responseHeader.append("x-seen", requestHeader.get("x-twice") ?? "none");
          responseTrailer.set("x-last", "trailer");
          if (name !== "broken") return { book: { name } };
          const details = [
            { desc: GreetRequestSchema, value: { name: "unknown to the library" } },
            { desc: LibraryService.method.getBook.input, value: { name: "this one" } },
          ];
          throw new ConnectError("\u001B[31mit is broken", Code.DataLoss, { "x-why": "because" }, details);
        },
        getFile({ path }) {
          const book = create(LibraryService.method.getBook.input, { name: path });
          const extensions = [anyPack(LibraryService.method.getBook.input, book)];
          return { contentType: "text/plain", data: new TextEncoder().encode("x"), extensions };
        },
        async *watchBooks(_request, { signal }) {
          watching = { signal };
          yield {};
          await new Promise((resolve) => {
            signal.addEventListener("abort", resolve, { once: true });
          });
        },
      },
      { partial: true },
    ),
  ],
});

describe("mesh call", () => {
  let world: World;
  const ids: string[] = [];
  let frontId: string;
  let address: string;
  beforeAll(async () => {
    world = await World.make();
    for (let at = 0; at < 2; at++) ids.push((await world.host()).id);
    const fronts = front(() => hosted.mesh.client(GreetService, { channel: "protobuf" }));
    const hosted = await world.host(fronts);
    ({ id: frontId, address } = hosted);
    await world.host(library);
  });
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
  });

  it("makes a unary call: readable for people, one line for programs", async () => {
    const args = ["call", path("Greet"), '{"name": "Ada"}'];
    const [people, programs] = await Promise.all([world.run(args), world.run([...args, "--json"])]);
    expect(people).toMatchObject({ code: 0, stderr: "" });
    expect(people.stdout).toMatch(/^\{\n {2}"message": "hello Ada",\n {2}"instance": "greeter-\w+"\n\}\n$/);
    expect(programs.stdout).toMatch(/^\{"message":"hello Ada","instance":"greeter-\w+"\}\n$/);
    expect(ids).toContain((JSON.parse(programs.stdout) as { instance: string }).instance);
  });

  it("prints a stream of answers line by line", async () => {
    const { code, stdout, stderr } = await world.run(["call", path("GreetMany"), '{"count":3}']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(values(stdout)).toMatchObject([1, 2, 3].map((index) => ({ index, message: "hello world" })));
  });

  it("sends a stream from arguments or from the lines of standard input", async () => {
    const [byArguments, byInput] = await Promise.all([
      world.run(["call", path("Collect"), '{"name":"Ada"}', '{"name":"Bob"}', "--json"]),
      world.run(["call", path("Collect"), "--json"], '{"name":"Ada"}\n\n{"name":"Bob"}'),
    ]);
    for (const { code, stdout } of [byArguments, byInput]) {
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ message: "hello Ada, Bob", count: 2 });
    }
  });

  it("talks in both directions: each answer comes before the next message is sent", async () => {
    const { child, lines, ended } = world.start(["call", path("Chat"), "-"]);
    child.stdin.write('{"name":"Ada"}\n');
    expect(values((await lines(1)).join("\n"))).toMatchObject([{ message: "hello Ada" }]);
    child.stdin.write('{"name":"Bob"}\n');
    expect(values((await lines(2)).join("\n"))).toMatchObject([{}, { message: "hello Bob" }]);
    child.stdin.end();
    expect(await ended).toMatchObject({ code: 0, stderr: "" });
  });

  it.each([
    ["the argument", [path("Greet"), '{"name":"Ada"}'], "nonsense", "hello Ada"],
    ["standard input for -", [path("Greet"), "-"], '{\n  "name": "Ada"\n}\n', "hello Ada"],
    ["standard input for nothing", [path("Greet")], '{"name":"Ada"}', "hello Ada"],
    ["{} for empty input", [path("Greet")], "", "hello world"],
    ["a path with a slash in front", [`/${path("Greet")}`, "{}"], "", "hello world"],
  ])("sends %s", async (_, args, input, message) => {
    const { code, stdout } = await world.run(["call", ...args, "--json"], input);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ message });
  });

  it.each(["protobuf", "json", "msgpack", "grpc", "grpc-web", "rest"])("goes over the channel %s", async (channel) => {
    const { code, stdout } = await world.run(["call", path("Greet"), "--channel", channel, "--json"], '{"name":"Ada"}');
    expect({ code, ...(JSON.parse(stdout) as object) }).toMatchObject({ code: 0, message: "hello Ada" });
  });

  it("says with -v which headers and trailers came", async () => {
    const args = ["call", "library.v1.LibraryService/GetBook", '{"name":"shelves/a/books/b"}', "-v", "--json"];
    const headers = ["--header", "x-question: why: not", "-H", "x-twice:1", "-H", "x-twice:2"];
    const { code, stdout, stderr } = await world.run([...args, ...headers, "--channel", "grpc"]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '{"book":{"name":"shelves/a/books/b"}}\n' });
    expect(stderr).toContain("header x-answer: why: not\n");
    expect(stderr).toContain("header x-seen: 1, 2\n");
    expect(stderr).toContain("trailer x-last: trailer\n");
  });

  it("says with --explain where the call went, for people and for programs", async () => {
    const args = ["call", path("Greet"), "{}", "--explain"];
    const [people, programs] = await Promise.all([world.run(args), world.run([...args, "--json"])]);
    const { instance: id } = JSON.parse(people.stdout) as { instance: string };
    expect(people.stderr).toMatch(/^greet\.v1\.GreetService\/Greet: answered after [\d.]+ ms of 5000 ms\n/);
    expect(people.stderr).toMatch(new RegExp(`attempt 1 \\(first\\) at [\\d.]+ ms: ${id} over \\w+, [\\d.]+ ms: answered\n`));
    expect(people.stderr).toMatch(new RegExp(`\n > {2}${id} +in +10 +0 `));
    for (const other of ids) expect(people.stderr).toContain(other);
    const { instance } = JSON.parse(programs.stdout) as { instance: string };
    expect(JSON.parse(programs.stderr)).toMatchObject({ method: "Greet", attempts: [{ instance, next: "answered" }] });
  });

  it("says with -v when another channel than the one that was wanted is used", async () => {
    await using other = await World.make();
    await other.host(greeter({ channels: ["json"] }));
    const wanted = [path("Greet"), "{}", "-v", "--channel"];
    const [either, none] = await Promise.all([
      other.run(["call", ...wanted, "msgpack,json"]),
      other.run(["call", ...wanted, "grpc"]),
    ]);
    expect(either.code).toBe(0);
    expect(either.stderr).toContain("no instance offers the channel msgpack; json is used\n");
    expect(none.code).toBe(1);
    expect(none.stderr).toContain("offers the channel grpc; offered: json\n");
  });

  it("calls one instance and no other, whatever component the contract names", async () => {
    for (const id of [...ids, ...ids]) {
      const { stdout } = await world.run(["call", path("Greet"), "--instance", id, "--json"]);
      expect(JSON.parse(stdout)).toMatchObject({ instance: id });
    }
    const health = "grpc.health.v1.Health/Check";
    const { code, stdout } = await world.run(["call", health, "{}", "--instance", frontId, "--json"]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '{"status":"SERVING"}\n' });
  });

  it("says which instances there are when one is not", async () => {
    const { code, stdout, stderr } = await world.run(["call", path("Greet"), "--instance", "greeter-0"]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^unavailable: no instance greeter-0 is in the registry file:.*; greet\.v1\.GreetService is/);
    for (const id of ids) expect(stderr).toContain(id);
  });

  it("goes straight to an address, without a registry", async () => {
    const args = ["call", path("Greet"), '{"name":"Ada"}', "--address", address, "--registry", "etcd:"];
    const { code, stdout } = await world.run([...args, "--json"]);
    expect({ code, ...(JSON.parse(stdout) as object) }).toMatchObject({ code: 0, message: "hello Ada" });
  });

  it("prints types that stand in an Any, when the contract has them", async () => {
    const args = ["call", "library.v1.LibraryService/GetFile", '{"path":"a/b"}', "--json"];
    const { stdout, stderr } = await world.run(args);
    expect(JSON.parse(stdout), stderr).toMatchObject({
      data: "eA==",
      extensions: [{ "@type": "type.googleapis.com/library.v1.GetBookRequest", name: "a/b" }],
    });
  });

  describe("that fails", () => {
    it("says with which code, why, and all details, and exits with 1", async () => {
      const args = ["call", "library.v1.LibraryService/GetBook", '{"name":"broken"}'];
      const [people, programs] = await Promise.all([world.run([...args, "-v"]), world.run([...args, "--json"])]);
      expect(people).toMatchObject({ code: 1, stdout: "" });
      const bytes = Buffer.from("\n\u0016unknown to the library").toString("base64");
      expect(people.stderr.replaceAll(/^(header|metadata|trailer) .*\n/gm, "")).toBe(
        "data_loss: \uFFFD[31mit is broken\n" +
          `  greet.v1.GreetRequest: of an unknown type, in base64 ${bytes}\n` +
          '  library.v1.GetBookRequest: {"name":"this one"}\n',
      );
      expect(people.stderr).toContain("metadata x-why: because\n");
      expect(programs).toMatchObject({ code: 1, stdout: "" });
      expect(JSON.parse(programs.stderr)).toEqual({
        code: "data_loss",
        message: "\u001B[31mit is broken",
        details: [
          { type: "greet.v1.GreetRequest", bytes },
          { type: "library.v1.GetBookRequest", value: { name: "this one" } },
        ],
      });
    });

    it("has printed what came before", async () => {
      const pause = '{"count":9,"pause":"30s"}';
      const { code, stdout, stderr } = await world.run(["call", path("GreetMany"), pause, "--timeout", "3s"]);
      expect(values(stdout)).toMatchObject([{ index: 1 }]);
      expect(code).toBe(1);
      expect(stderr).toMatch(/^deadline_exceeded: /);
    });

    it.each([
      [["greet.v1.GretService/Greet"], "unavailable: ", "serves greet.v1.GretService; did you mean greet.v1.GreetService?"],
      [[path("Gret")], "not_found: ", "greet.v1.GreetService has no method Gret; did you mean Greet?"],
      [[path("Xyz")], "not_found: ", "has no method Xyz; it has Greet, GreetMany, Chat, Collect"],
      [[path("Greet"), "--address", "http://127.0.0.1:1"], "unavailable: ", "cannot connect to http://127.0.0.1:1"],
      [[path("Chat"), "--channel", "rest"], "unimplemented: ", "use another channel"],
    ])("says what there is instead: %j", async (args, code, text) => {
      const ran = await world.inProcess(["call", ...args], "{}");
      expect(ran).toMatchObject({ code: 1, stdout: "" });
      expect(ran.stderr.startsWith(code)).toBe(true);
      expect(ran.stderr).toContain(text);
    });
  });

  it.each([
    [["greet.v1.GreetService.Greet"], "did you mean greet.v1.GreetService/Greet?"],
    [["Greet"], "Greet is not a method: write PACKAGE.SERVICE/METHOD"],
    [[path("Greet"), "{"], "message 1 is not JSON: "],
    [[path("Chat"), "{}", "nope"], "message 2 is not JSON: "],
    [[path("Greet"), '{"nme":"Ada"}'], 'key "nme" is unknown; its fields are name'],
    [[path("Chat"), "{}", '{"name":1}'], "message 2 is not a greet.v1.ChatRequest: "],
    [[path("Greet"), "{}", "{}"], "the method takes one message, not 2; quote the JSON"],
    [[path("Greet"), "--channel", "grcp"], "--channel grcp: there is no such channel; did you mean grpc?"],
    [[path("Greet"), "--header", "x"], "--header x: must be KEY:VALUE"],
    [[path("Greet"), "--header", "x y:z"], "is not a header that HTTP can carry"],
    [[path("Greet"), "--header", "x:\u{1F600}"], "binary values go into a key that ends in -bin"],
    [[path("Greet"), "--address", "127.0.0.1:80"], "--address 127.0.0.1:80: must be http://host:port"],
    [[path("Greet"), "--address", "unix:/x", "--instance", "x"], "--address and --instance exclude each other"],
    [[path("Greet"), "--timeout", "0s"], "--timeout 0s: must be a time above 0"],
  ])("exits with 2 when nothing can be called like that: %j", async (args, text) => {
    const { code, stdout, stderr } = await world.inProcess(["call", ...args]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(text);
  });

  it("names the line of standard input that is wrong, and exits with 2", async () => {
    const [syntax, shape] = await Promise.all([
      world.run(["call", path("Collect")], '{"name":"Ada"}\n\nnope\n'),
      world.run(["call", path("Chat")], '{"nme":"Ada"}\n'),
    ]);
    expect([syntax.code, shape.code]).toEqual([2, 2]);
    expect(syntax.stderr).toMatch(/^mesh: line 3 of standard input is not JSON: /);
    expect(shape.stderr).toMatch(/^mesh: line 1 of standard input is not a greet\.v1\.ChatRequest: /);
  });

  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("is cancelled by %s, at the server as well", async (signal, code) => {
    watching = undefined;
    const { child, lines, ended } = world.start(["call", "library.v1.LibraryService/WatchBooks", "{}"]);
    await lines(1);
    child.kill(signal);
    expect(await ended).toEqual({ code, stdout: "{}\n", stderr: "" });
    await until(() => watching?.signal.aborted === true);
  });

  it("ends without a word when nobody reads its output any more", async () => {
    const { child, lines, ended } = world.start(["call", path("GreetMany"), '{"count":10000,"pause":"0.01s"}']);
    await lines(1);
    child.stdout.destroy();
    expect(await ended).toMatchObject({ code: 141, stderr: "" });
  });

  it("reads the contract from an image, in binary and in JSON", async () => {
    for (const name of ["image.binpb", "image.json"]) {
      const image = join(world.directory, name);
      expect(await run("buf", ["build", "-o", image])).toMatchObject({ code: 0 });
      const { code, stdout } = await world.run(["call", path("Greet"), "{}", "--image", image, "--json"]);
      expect(code).toBe(0);
      expect(ids).toContain((JSON.parse(stdout) as { instance: string }).instance);
    }
    const junk = join(world.directory, "junk");
    await writeFile(junk, "{}");
    for (const [file, why] of [["none", "ENOENT"], ["junk", "it has no files"]] as const) {
      const args = ["call", path("Greet"), "--image", join(world.directory, file)];
      const { code, stderr } = await world.run(args);
      expect(code).toBe(2);
      expect(stderr).toContain(why);
      expect(stderr).toContain("make one with `buf build -o image.binpb`");
    }
  });

  it("calls an instance in error only when it is named", async () => {
    await using other = await World.make();
    const { id, address, mesh } = await other.host();
    // The same process under another id, so that it answers.
    const sick = instance({
      id: "greeter-sick",
      component: "greeter",
      services: [GreetService.typeName],
      channels: { grpc: address },
    });
    await using lease = await other.registry.register(sick);
    await lease.setHealth("error");
    const named = await other.run(["call", path("Greet"), "{}", "--instance", "greeter-sick", "--json"]);
    expect(JSON.parse(named.stdout)).toMatchObject({ instance: id });
    await mesh.close();
    const { code, stderr } = await other.run(["call", path("Greet"), "{}"]);
    expect(code).toBe(1);
    expect(stderr).toContain("serves greet.v1.GreetService; greeter-sick would, but is in error");
  });
});
