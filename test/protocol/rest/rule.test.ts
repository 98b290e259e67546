import type { DescMethod } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { GreetService } from "../../../gen/greet/v1/greet_pb.ts";
import { LibraryService } from "../../../gen/library/v1/library_pb.ts";
import { component, implement, reasonOf } from "../../../src/index.ts";
import { restBindings } from "../../../src/protocol/rest/rule.ts";
import { bindingOf, rule, withRule } from "../../support/rest-rule.ts";
import type { Rule } from "../../support/rest-rule.ts";

const { getBook, searchBooks, createBook, updateBook, watchBooks, importBooks, discuss, archiveBook } =
  LibraryService.method;

function refusal(method: DescMethod, init: Rule): ConnectError {
  try {
    restBindings(withRule(method, init));
  } catch (error) {
    return ConnectError.from(error);
  }
  throw new Error("the rule was not refused");
}

describe("the bindings of a method", () => {
  test("are its rule and its additional bindings, in order", () => {
    const bindings = restBindings(getBook);
    expect(bindings.map(({ index, httpMethod, template }) => [index, httpMethod, template.text])).toEqual([
      [0, "GET", "/v1/{name=shelves/*/books/*}"],
      [1, "GET", "/v1/isbn/{isbn}"],
    ]);
    expect(bindings.map(({ responseBody }) => responseBody?.name)).toEqual(["book", "book"]);
    expect(restBindings(getBook)).toBe(bindings);
  });

  test("are none without a rule", () => {
    expect(restBindings(LibraryService.method.countBooks)).toEqual([]);
  });

  test("tell the body: everything, a field, or none", () => {
    expect(restBindings(archiveBook)[0]?.body).toBe("*");
    expect(restBindings(createBook)[0]?.body).toMatchObject({ name: "book" });
    expect(restBindings(getBook)[0]?.body).toBeUndefined();
  });

  test("tell the fields of variables, also nested ones", () => {
    const [variable] = restBindings(updateBook)[0]?.variables ?? [];
    expect(variable?.fields.map(({ name }) => name)).toEqual(["book", "name"]);
  });

  test("take custom HTTP methods, in capitals", () => {
    expect(bindingOf(getBook, rule("purge", "/v1/x")).httpMethod).toBe("PURGE");
    expect(bindingOf(getBook, rule("*", "/v1/x")).httpMethod).toBe("*");
    expect(restBindings(LibraryService.method.checkBook)[0]?.httpMethod).toBe("HEAD");
  });

  test.each(["genres", "copy_number", "like.genre", "archived", "added_after", "max_age", "read_mask", "by_title"])(
    "bind %s unless it repeats",
    (path) => {
      const bind = () => bindingOf(searchBooks, rule("GET", `/v1/{${path}}`));
      if (path === "genres") expect(bind).toThrow("genres is repeated");
      else expect(bind().variables[0]?.fieldPath).toBe(path);
    },
  );
});

describe("a wrong rule", () => {
  test.each<readonly [string, DescMethod, Rule, string]>([
    ["without a pattern", getBook, {}, "it has no pattern"],
    ["with a blank custom kind", getBook, rule("", "/v1/x"), '"" is not a usable HTTP method'],
    ["with a custom kind that is no HTTP method", getBook, rule("A B", "/v1/x"), "not a usable HTTP method"],
    ["that asks for tunnels", getBook, rule("CONNECT", "/v1/x"), "not a usable HTTP method"],
    ["with a broken template", getBook, rule("GET", "/v1/{name"), "it ends too early"],
    ["with a variable that names no field", getBook, rule("GET", "/v1/{nope}"), "has no field nope"],
    ["with a variable by its JSON name", searchBooks, rule("GET", "/v1/{maxCents}"), "has no field maxCents"],
    ["with a variable below a scalar", getBook, rule("GET", "/v1/{name.x}"), "name is not a message"],
    ["with a variable inside a Timestamp", searchBooks, rule("GET", "/v1/{added_after.seconds}"), "not a message that"],
    ["with a variable that repeats", searchBooks, rule("GET", "/v1/{tags}"), "tags is repeated"],
    ["with a variable below a list", searchBooks, rule("GET", "/v1/{copies.number}"), "copies is repeated"],
    ["with a variable that is a map", searchBooks, rule("GET", "/v1/{translations}"), "translations is a map"],
    ["with a variable that is a message", searchBooks, rule("GET", "/v1/{like}"), "like is a message"],
    ["with two members of a oneof", searchBooks, rule("GET", "/v1/{by_title}/{by_age_from}"), "set the same oneof"],
    ["with members of a oneof at any depth", searchBooks, rule("GET", "/v1/{by_title}/{by_distance_from.city}"), "set the same oneof"],
    ["with a body that is no field", createBook, rule("POST", "/v1/x", { body: "nope" }), "has no field nope"],
    ["with a nested body", createBook, rule("POST", "/v1/x", { body: "book.title" }), "has no field book.title"],
    ["with a body that the path binds", createBook, rule("POST", "/v1/{book_id}", { body: "book_id" }), "already binds book_id"],
    ["with a response body that is no field", getBook, rule("GET", "/v1/x", { responseBody: "nope" }), "has no field nope"],
    ["for GET with a body", getBook, rule("GET", "/v1/x", { body: "*" }), "a GET has no body"],
    ["for HEAD with a body", getBook, rule("HEAD", "/v1/x", { body: "name" }), "a HEAD has no body"],
    ["for HEAD of a stream", watchBooks, rule("HEAD", "/v1/x"), "nothing to stream"],
    ["for a client stream without a body", importBooks, rule("POST", "/v1/x"), "needs a body"],
    ["for a method that streams both ways", discuss, rule("POST", "/v1/x", { body: "*" }), "streams in both directions"],
    [
      "with bindings in its additional bindings",
      getBook,
      rule("GET", "/v1/x", { additionalBindings: [rule("GET", "/v1/y", { additionalBindings: [rule("GET", "/v1/z")] })] }),
      "may not be nested",
    ],
    ["in an additional binding", getBook, rule("GET", "/v1/x", { additionalBindings: [rule("GET", "v1")] }), "additional binding 1"],
  ])("%s is an error that names the method", (_what, method, init, why) => {
    const error = refusal(method, init);
    expect(error.message).toContain(why);
    expect(error.message).toContain(`library.v1.LibraryService.${method.name}`);
    expect([error.code, reasonOf(error)]).toEqual([Code.InvalidArgument, "INVALID_CONFIGURATION"]);
  });

  test("names the template", () => {
    expect(refusal(getBook, rule("GET", "/v1/{nope}")).message).toContain('"GET /v1/{nope}"');
  });

  test("is an error of the component that offers rest, and of no other", () => {
    const wrong = withRule(getBook, rule("GET", "/v1/{nope}"));
    const service = { ...LibraryService, methods: [wrong] };
    const services = [implement(service as typeof LibraryService, {}, { partial: true })];
    expect(() => component({ name: "library", services })).toThrow("LibraryService.GetBook");
    expect(component({ name: "library", services, channels: ["grpc"] }).channels).toEqual(["grpc"]);
  });
});

describe("the channel rest of a component", () => {
  const bare = implement({ ...GreetService, methods: [GreetService.method.chat] } as unknown as typeof GreetService, {}, { partial: true });

  test("is there when a method has a rule, and not otherwise", () => {
    const greet = implement(GreetService, {}, { partial: true });
    expect(component({ name: "a", services: [greet] }).channels).toContain("rest");
    expect(component({ name: "a", services: [bare] }).channels).not.toContain("rest");
  });

  test("can be left out, and cannot be offered without rules", () => {
    const greet = implement(GreetService, {}, { partial: true });
    expect(component({ name: "a", services: [greet], channels: ["json"] }).channels).toEqual(["json"]);
    expect(component({ name: "a", services: [greet], channels: ["rest"] }).channels).toEqual(["rest"]);
    expect(() => component({ name: "a", services: [bare], channels: ["json", "rest"] })).toThrow(
      "none of its methods has a google.api.http rule",
    );
  });
});
