import { create, createRegistry, toBinary } from "@bufbuild/protobuf";
import { anyPack, AnySchema, DurationSchema, StringValueSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { GreetRequestSchema } from "../../../gen/greet/v1/greet_pb.ts";
import { BookSchema, LibraryService } from "../../../gen/library/v1/library_pb.ts";
import { ErrorInfoSchema, RetryInfoSchema } from "../../../gen/google/rpc/error_details_pb.ts";
import { codeOfHttpStatus, detailTypes, statusError, statusJson } from "../../../src/protocol/rest/status.ts";

const types = () => detailTypes(LibraryService.method.getBook, undefined);

/** What a client reads of what a server writes. */
function travelled(error: ConnectError): ConnectError {
  const json = JSON.parse(JSON.stringify(statusJson(error, types))) as Parameters<typeof statusError>[0];
  const read = statusError(json, new Headers({ "x-a": "b" }), types);
  if (read === undefined) throw new Error("it is no status");
  return read;
}

describe("a google.rpc.Status", () => {
  test("has the code as a number, the message and the details as ProtoJSON", () => {
    const error = new ConnectError("gone", Code.NotFound, undefined, [
      { desc: ErrorInfoSchema, value: { reason: "R", domain: "d", metadata: { k: "v" } } },
      { desc: RetryInfoSchema, value: { retryDelay: { seconds: 1n } } },
      { desc: DurationSchema, value: { seconds: 2n } },
    ]);
    expect(statusJson(error, types)).toEqual({
      code: 5,
      message: "gone",
      details: [
        { "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: "R", domain: "d", metadata: { k: "v" } },
        { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "1s" },
        { "@type": "type.googleapis.com/google.protobuf.Duration", value: "2s" },
      ],
    });
    expect(statusJson(new ConnectError("", Code.Internal), types)).toEqual({ code: 13, message: "", details: [] });
  });

  test("brings codes, messages, metadata and details back", () => {
    for (const code of Object.values(Code).filter((each): each is Code => typeof each === "number")) {
      expect(travelled(new ConnectError("m", code)).code).toBe(code);
    }
    const error = travelled(
      new ConnectError("gone", Code.NotFound, undefined, [
        { desc: ErrorInfoSchema, value: { reason: "R" } },
        { desc: BookSchema, value: { title: "T", price: { case: "cents", value: 9007199254740993n } } },
        { desc: StringValueSchema, value: { value: "s" } },
      ]),
    );
    expect([error.rawMessage, error.metadata.get("x-a"), error.isWireError]).toEqual(["gone", "b", true]);
    expect(error.findDetails(ErrorInfoSchema)[0]?.reason).toBe("R");
    expect(error.findDetails(BookSchema)[0]).toMatchObject({ title: "T", price: { value: 9007199254740993n } });
    expect(error.findDetails(StringValueSchema)[0]?.value).toBe("s");
  });

  test("passes on details that came from another call", () => {
    const error = new ConnectError("m", Code.Aborted);
    error.details = [{ type: ErrorInfoSchema.typeName, value: toBinary(ErrorInfoSchema, create(ErrorInfoSchema, { reason: "R" })) }];
    expect(statusJson(error, types)["details"]).toEqual([{ "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: "R" }]);
  });

  test("carries details of unknown types in base64, also with an unknown type inside", () => {
    const value = toBinary(GreetRequestSchema, create(GreetRequestSchema, { name: "n" }));
    const any = anyPack(GreetRequestSchema, create(GreetRequestSchema, { name: "n" }));
    const error = new ConnectError("m", Code.Aborted, undefined, [{ desc: AnySchema, value: { typeUrl: any.typeUrl, value: any.value } }]);
    error.details.push({ type: "unknown.Type", value });
    expect(statusJson(error, types)["details"]).toEqual([
      { "@type": "type.googleapis.com/google.protobuf.Any", "@base64": expect.any(String) },
      { "@type": "type.googleapis.com/unknown.Type", "@base64": "CgFu" },
    ]);
    expect(travelled(error).details).toEqual([
      { type: "google.protobuf.Any", value: toBinary(AnySchema, any) },
      { type: "unknown.Type", value },
    ]);
  });

  test("knows the types that it is told", () => {
    const more = () => detailTypes(LibraryService.method.getBook, createRegistry(GreetRequestSchema));
    const json = { code: 3, message: "", details: [{ "@type": "type.googleapis.com/greet.v1.GreetRequest", name: "n" }] };
    expect(statusError(json, new Headers(), more)?.findDetails(GreetRequestSchema)[0]?.name).toBe("n");
    expect(statusError(json, new Headers(), types)?.details).toEqual([]);
  });

  test.each([null, 5, "x", [], {}, { code: "not_found" }, { code: 0 }, { code: 17 }, { statusCode: 404, message: "x" }])(
    "is not %j",
    (json) => {
      expect(statusError(json, new Headers(), types)).toBeUndefined();
    },
  );

  test("may lack a message, and have details that are none", () => {
    const error = statusError({ code: 5, details: [null, 5, {}, { "@type": 1 }, { "@type": "x/google.rpc.ErrorInfo", reason: 5 }] }, new Headers(), types);
    expect([error?.code, error?.rawMessage, error?.details]).toEqual([Code.NotFound, "", []]);
  });
});

test.each([
  [400, Code.InvalidArgument], [401, Code.Unauthenticated], [403, Code.PermissionDenied], [404, Code.NotFound], [409, Code.Aborted],
  [429, Code.ResourceExhausted], [499, Code.Canceled], [500, Code.Internal], [501, Code.Unimplemented], [502, Code.Unavailable],
  [503, Code.Unavailable], [504, Code.DeadlineExceeded], [302, Code.Unknown], [418, Code.Unknown],
])("the HTTP status %i alone is code %i", (status, code) => {
  expect(codeOfHttpStatus(status)).toBe(code);
});
