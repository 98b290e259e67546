import { create, createFileRegistry, fromBinary, setExtension, toBinary } from "@bufbuild/protobuf";
import type { DescMethod, DescService, MessageInitShape } from "@bufbuild/protobuf";
import {
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
  FileDescriptorSetSchema,
  MethodOptions_IdempotencyLevel as Level,
  MethodOptionsSchema,
  ServiceOptionsSchema,
} from "@bufbuild/protobuf/wkt";
import {
  method as methodOption,
  MethodOptionsSchema as MeshMethodOptionsSchema,
  service as serviceOption,
  ServiceOptionsSchema as MeshServiceOptionsSchema,
} from "../../gen/mesh/v1/options_pb.ts";

/** A contract with one service `t.S` and one method `Do`. */
export interface ContractInit {
  readonly service?: MessageInitShape<typeof MeshServiceOptionsSchema>;
  readonly method?: MessageInitShape<typeof MeshMethodOptionsSchema>;
  /** Default: true. */
  readonly idempotent?: boolean;
  readonly clientStreaming?: boolean;
  readonly serverStreaming?: boolean;
}

/** The request `t.M` has the fields `id`, `tags` (repeated) and `owner` (a `t.M`). */
const message = {
  name: "M",
  field: [
    { name: "id", number: 1, type: Type.STRING, label: Label.OPTIONAL },
    { name: "tags", number: 2, type: Type.STRING, label: Label.REPEATED },
    { name: "owner", number: 3, type: Type.MESSAGE, typeName: ".t.M", label: Label.OPTIONAL },
  ],
};

export function contract(init: ContractInit): DescService {
  const ofService = create(ServiceOptionsSchema);
  if (init.service) setExtension(ofService, serviceOption, create(MeshServiceOptionsSchema, init.service));
  const ofMethod = create(MethodOptionsSchema, {
    idempotencyLevel: init.idempotent === false ? Level.IDEMPOTENCY_UNKNOWN : Level.IDEMPOTENT,
  });
  if (init.method) setExtension(ofMethod, methodOption, create(MeshMethodOptionsSchema, init.method));
  const set = create(FileDescriptorSetSchema, {
    file: [
      {
        name: "t.proto",
        package: "t",
        syntax: "proto3",
        messageType: [message],
        service: [
          {
            name: "S",
            options: ofService,
            method: [
              {
                name: "Do",
                inputType: ".t.M",
                outputType: ".t.M",
                options: ofMethod,
                clientStreaming: init.clientStreaming ?? false,
                serverStreaming: init.serverStreaming ?? false,
              },
            ],
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

/** The method of a {@link contract}. */
export function methodOf(init: ContractInit): DescMethod {
  const [method] = contract(init).methods;
  if (method === undefined) throw new Error("no method");
  return method;
}

/** A `google.protobuf.Duration` of so many milliseconds. */
export function ms(value: number): { seconds: bigint; nanos: number } {
  const whole = Math.trunc(value / 1_000);
  return { seconds: BigInt(whole), nanos: Math.round((value - whole * 1_000) * 1e6) };
}
