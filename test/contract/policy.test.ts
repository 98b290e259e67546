import { create, createFileRegistry, fromBinary, setExtension, toBinary } from "@bufbuild/protobuf";
import type { DescService } from "@bufbuild/protobuf";
import {
  DescriptorProtoSchema,
  FileDescriptorSetSchema,
  MethodOptionsSchema,
  ServiceOptionsSchema,
} from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { GreetService } from "../../gen/greet/v1/greet_pb.ts";
import { method as methodOption, service as serviceOption } from "../../gen/mesh/v1/options_pb.ts";
import { checkContract, methodInfo } from "../../src/contract/method.ts";

/** A contract with one service and one method, with timeouts in seconds where given. */
function contract(ofService: number | undefined, ofMethod: number | undefined): DescService {
  const serviceOptions = create(ServiceOptionsSchema);
  if (ofService !== undefined) {
    setExtension(serviceOptions, serviceOption, {
      $typeName: "mesh.v1.ServiceOptions",
      component: "",
      timeout: { $typeName: "google.protobuf.Duration", seconds: BigInt(ofService), nanos: 0 },
    });
  }
  const methodOptions = create(MethodOptionsSchema);
  if (ofMethod !== undefined) {
    setExtension(methodOptions, methodOption, {
      $typeName: "mesh.v1.MethodOptions",
      timeout: { $typeName: "google.protobuf.Duration", seconds: BigInt(ofMethod), nanos: 0 },
    });
  }
  const set = create(FileDescriptorSetSchema, {
    file: [
      {
        name: "t.proto",
        package: "t",
        syntax: "proto3",
        messageType: [create(DescriptorProtoSchema, { name: "M" })],
        service: [
          {
            name: "S",
            options: serviceOptions,
            method: [{ name: "Do", inputType: ".t.M", outputType: ".t.M", options: methodOptions }],
          },
        ],
      },
    ],
  });
  // Through bytes, as a contract from another program would come.
  const read = fromBinary(FileDescriptorSetSchema, toBinary(FileDescriptorSetSchema, set));
  const service = createFileRegistry(read).getService("t.S");
  if (service === undefined) throw new Error("no service");
  return service;
}

function timeoutOf(service: DescService): number | undefined {
  const [method] = service.methods;
  return method === undefined ? undefined : methodInfo(method).timeoutMs;
}

describe("the policy of a contract", () => {
  test("names the component, the deadline and what may be repeated", () => {
    expect(methodInfo(GreetService.method.greet)).toEqual({
      component: "greeter",
      timeoutMs: 5_000,
      path: "greet.v1.GreetService/Greet",
      idempotent: true,
    });
    expect(methodInfo(GreetService.method.chat)).toMatchObject({
      timeoutMs: undefined,
      idempotent: false,
    });
  });

  test("a method's deadline wins over its service's", () => {
    expect(timeoutOf(contract(undefined, undefined))).toBeUndefined();
    expect(timeoutOf(contract(7, undefined))).toBe(7_000);
    expect(timeoutOf(contract(7, 2))).toBe(2_000);
  });

  test.each([0, -3])("a deadline of %s s is an error that names the culprit", (seconds) => {
    expect(() => {
      checkContract(contract(undefined, seconds));
    }).toThrow("the contract of t.S.Do sets a timeout");
    expect(() => {
      checkContract(contract(seconds, undefined));
    }).toThrow("the contract of t.S sets a timeout");
  });
});
