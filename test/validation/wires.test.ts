import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { BadRequestSchema, ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { ValidatedService } from "../../gen/validated/v1/validated_pb.ts";
import type { PersonSchema, RegisterRequestSchema } from "../../gen/validated/v1/validated_pb.ts";
import { component, createMesh, implement, memory, reasonOf } from "../../src/index.ts";

/** What implementations saw, in order. */
const seen: string[] = [];

const mesh = createMesh({
  registry: memory(),
  listen: {},
  drain: { drainDelayMs: 0 },
  components: [
    component({
      services: [
        implement(ValidatedService, {
          register({ person }) {
            seen.push(`register ${person?.name ?? ""}`);
            return { name: person?.name ?? "" };
          },
          async import(requests) {
            let count = 0;
            for await (const { person } of requests) {
              seen.push(`import ${person?.name ?? ""}`);
              count++;
            }
            return { count };
          },
          async *search({ query }) {
            seen.push(`search ${query}`);
            yield { person: { name: query } };
          },
          ping({ text }) {
            return { text };
          },
        }),
      ],
    }),
  ],
});

beforeAll(() => mesh.start());
afterAll(() => mesh.close());
beforeEach(() => {
  seen.length = 0;
});

const ada: MessageInitShape<typeof PersonSchema> = {
  name: "Ada",
  nickname: "Countess",
  email: "ada@example.com",
  age: 36,
  badge: "AB1234",
  slug: "ada-lovelace",
};

const good: MessageInitShape<typeof RegisterRequestSchema> = {
  person: ada,
  friends: [ada],
  tags: ["maths", "poetry"],
  scores: { maths: 10, poetry: -10 },
  contact: { case: "phone", value: "1" },
};

async function failure(promise: Promise<unknown>): Promise<ConnectError> {
  const error: unknown = await promise.then(
    () => expect.fail("it did not fail"),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ConnectError);
  return error as ConnectError;
}

function violations(error: ConnectError): string[][] {
  return error
    .findDetails(BadRequestSchema)
    .flatMap(({ fieldViolations }) => fieldViolations)
    .map(({ field, reason, description }) => [field, reason, description]);
}

describe.each(["local", "protobuf", "json", "grpc", "grpc-web"])("over %s", (channel) => {
  const client = mesh.client(ValidatedService, { channel });

  test("a request that keeps all rules reaches the implementation", async () => {
    expect(await client.register(good)).toMatchObject({ name: "Ada" });
    expect(seen).toEqual(["register Ada"]);
  });

  test("a request that breaks rules does not, and every violation is told", async () => {
    const bad: MessageInitShape<typeof RegisterRequestSchema> = {
      person: { name: "x".repeat(21), email: "nobody", age: 151, badge: "AB", slug: "Not A Slug" },
      friends: [ada, { name: "", nickname: "" }, ada, ada],
      tags: ["ab", "a", "ab"],
      scores: { a: 1, ab: 11 },
    };
    const error = await failure(client.register(bad));
    expect(error.code).toBe(Code.InvalidArgument);
    expect(reasonOf(error)).toBe("VALIDATION_FAILED");
    expect(error.rawMessage).toBe(
      "validated.v1.RegisterRequest is not valid: " +
        "person.name: must be at most 20 characters, and 12 more; see the field violations",
    );
    expect(violations(error)).toEqual([
      ["person.name", "string.max_len", "must be at most 20 characters"],
      ["person.email", "string.email", "must be a valid email address"],
      ["person.age", "uint32.lte", "must be less than or equal to 150"],
      ["person.badge", "string.pattern", "does not match regex pattern `^[A-Z]{2}[0-9]{4}$`"],
      ["person.slug", "string.slug", "must be lower-case words joined by hyphens"],
      ["friends", "repeated.max_items", "must contain no more than 3 item(s)"],
      ["friends[1].name", "string.min_len", "must be at least 1 characters"],
      ["friends[1]", "person.nickname", "nickname must differ from name"],
      ["tags", "repeated.unique", "repeated value must contain unique items"],
      ["tags[1]", "string.min_len", "must be at least 2 characters"],
      ['scores["a"]', "string.min_len", "the key must be at least 2 characters"],
      [
        'scores["ab"]',
        "sint32.gte_lte",
        "must be greater than or equal to -10 and less than or equal to 10",
      ],
      ["contact", "required", "exactly one field is required in oneof"],
    ]);
    const [info] = error.findDetails(ErrorInfoSchema);
    expect(info).toMatchObject({
      reason: "VALIDATION_FAILED",
      domain: "connect-mesh",
      metadata: { message: "validated.v1.RegisterRequest", violations: "13" },
    });
    expect(seen).toEqual([]);
  });

  test("a field that is required and missing is a violation", async () => {
    const error = await failure(client.register({ contact: { case: "address", value: "Rome" } }));
    expect(violations(error)).toEqual([["person", "required", "value is required"]]);
  });

  test("more violations than an error can hold are counted, and the first ones told", async () => {
    const tags = Array.from({ length: 5_000 }, () => "a");
    const error = await failure(client.register({ ...good, tags }));
    expect(error.code).toBe(Code.InvalidArgument);
    expect(error.findDetails(ErrorInfoSchema)[0]?.metadata["violations"]).toBe("5001");
    expect(violations(error)[1]?.[0]).toBe("tags[0]");
    expect(violations(error).length).toBeLessThan(100);
  });

  test("messages of a stream are checked as they are read", async () => {
    const never = Promise.withResolvers<void>();
    async function* people() {
      yield { person: ada };
      yield { person: { ...ada, name: "" } };
      // The answer does not wait for the end of the stream.
      await never.promise;
    }
    const error = await failure(client.import(people(), { timeoutMs: 20_000 }));
    never.resolve();
    expect(error.code).toBe(Code.InvalidArgument);
    expect(violations(error)).toEqual([
      ["person.name", "string.min_len", "must be at least 1 characters"],
    ]);
    expect(seen).toEqual(["import Ada"]);
  });

  test("a stream whose messages are all valid is read to its end", async () => {
    async function* people() {
      yield { person: ada };
      yield { person: { ...ada, name: "Grace" } };
    }
    expect((await client.import(people())).count).toBe(2);
  });

  test("the request of a server stream is checked", async () => {
    const error = await failure(Array.fromAsync(client.search({ query: "ab" })));
    expect(violations(error)).toEqual([["query", "string.min_len", "must be at least 3 characters"]]);
    expect(seen).toEqual([]);
    expect(await Array.fromAsync(client.search({ query: "abc" }))).toHaveLength(1);
  });

  test("a request without rules passes", async () => {
    expect((await client.ping({ text: "" })).text).toBe("");
  });
});
