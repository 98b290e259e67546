import { Code, ConnectError, createClient, createRouterTransport } from "@connectrpc/connect";
import type { Client, Interceptor } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { ValidatedService } from "../../gen/validated/v1/validated_pb.ts";
import { reasonOf } from "../../src/error.ts";
import { protovalidate } from "../../src/validation/library.ts";
import type { ValidationLibrary } from "../../src/validation/library.ts";
import { validate, validates } from "../../src/validation/validate.ts";

interface Both {
  readonly server?: Interceptor;
  readonly client?: Interceptor;
}

/** A client of a server without a mesh, and the names that the server saw. */
function plain({ server, client }: Both): { client: Client<typeof ValidatedService>; seen: string[] } {
  const seen: string[] = [];
  const transport = createRouterTransport(
    (router) => {
      router.service(ValidatedService, {
        register: ({ person }) => {
          seen.push(person?.name ?? "");
          return {};
        },
        ping: ({ text }) => ({ text }),
      });
    },
    {
      router: { interceptors: server === undefined ? [] : [server] },
      transport: { interceptors: client === undefined ? [] : [client] },
    },
  );
  return { client: createClient(ValidatedService, transport), seen };
}

test.each([
  ["servers", (made: Interceptor): Both => ({ server: made })],
  ["clients", (made: Interceptor): Both => ({ client: made })],
])("validate works in %s without a mesh", async (_where, put) => {
  const { client, seen } = plain(put(validate()));
  const error = await client.register({ person: { name: "" } }).catch((thrown: unknown) => thrown);
  expect(reasonOf(error)).toBe("VALIDATION_FAILED");
  expect(seen).toEqual([]);
  await client.register({ person: { name: "Ada", nickname: "A" }, contact: { case: "phone", value: "1" } });
  expect(seen).toEqual(["Ada"]);
});

test("calls that come first at the same time load the library once", async () => {
  let loads = 0;
  const load = (): Promise<ValidationLibrary> => {
    loads++;
    return protovalidate();
  };
  const { client } = plain({ server: validate({ load }) });
  const calls = Array.from({ length: 5 }, () => client.register({}).catch((error: unknown) => error));
  expect((await Promise.all(calls)).map(reasonOf)).toEqual(Array(5).fill("VALIDATION_FAILED"));
  expect(loads).toBe(1);
});

test("a library that is missing fails the calls that need it as internal, until it is there", async () => {
  let installed = false;
  const load = (): Promise<ValidationLibrary> =>
    installed ? protovalidate() : Promise.reject(new Error("Cannot find package"));
  const { client, seen } = plain({ server: validate({ load }) });
  const error = await client.register({}).catch((thrown: unknown) => ConnectError.from(thrown));
  expect(error).toMatchObject({ code: Code.Internal });
  expect(seen).toEqual([]);
  installed = true;
  expect(reasonOf(await client.register({}).catch((thrown: unknown) => thrown))).toBe("VALIDATION_FAILED");
});

test("an interceptor that validates can be told from others", () => {
  const other: Interceptor = (next) => next;
  expect([validates(validate()), validates(other)]).toEqual([true, false]);
});
