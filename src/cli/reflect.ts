import { fromBinary } from "@bufbuild/protobuf";
import type { FileRegistry, MessageInitShape } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import type { FileDescriptorProto } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import type { Transport } from "@connectrpc/connect";
import { ServerReflection } from "../../gen/grpc/reflection/v1/reflection_pb.ts";
import type {
  ServerReflectionRequestSchema,
  ServerReflectionResponse,
} from "../../gen/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as AlphaReflection } from "../../gen/grpc/reflection/v1alpha/reflection_pb.ts";
import { fileRegistry } from "./files.ts";

type Question = MessageInitShape<typeof ServerReflectionRequestSchema>["messageRequest"] & object;

/** The same messages under another name, so what is said of one is true of the other. */
const versions = [ServerReflection, AlphaReflection as unknown as typeof ServerReflection] as const;

/**
 * Asks a server for the files that declare the given services, with all that
 * they import: by `grpc.reflection.v1`, or by `v1alpha` where a server only has
 * that. Rejects with `unimplemented` when it has neither, and with what the
 * server says, such as `not_found`.
 */
export async function reflect(
  transport: Transport,
  services: readonly string[],
  signal: AbortSignal,
): Promise<FileRegistry> {
  const files = new Map<string, FileDescriptorProto>();
  const asked = new Set<string>();
  await converse(
    transport,
    services.map((value): Question => ({ case: "fileContainingSymbol", value })),
    ({ messageResponse }) => {
      if (messageResponse.case !== "fileDescriptorResponse") return [];
      for (const bytes of messageResponse.value.fileDescriptorProto) {
        const proto = fromBinary(FileDescriptorProtoSchema, bytes);
        files.set(proto.name, proto);
      }
      // Most servers send imports along; they need not.
      const missing = [...files.values()]
        .flatMap(({ dependency }) => dependency)
        .filter((name) => !files.has(name) && !asked.has(name));
      return [...new Set(missing)].map((value): Question => {
        asked.add(value);
        return { case: "fileByFilename", value };
      });
    },
    signal,
  );
  return fileRegistry(files.values());
}

/** Asks a server for the full names of its services. Rejects as {@link reflect} does. */
export async function reflectServices(
  transport: Transport,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const names: string[] = [];
  await converse(
    transport,
    [{ case: "listServices", value: "*" }],
    ({ messageResponse }) => {
      if (messageResponse.case === "listServicesResponse") {
        names.push(...messageResponse.value.service.map(({ name }) => name));
      }
      return [];
    },
    signal,
  );
  return names;
}

/**
 * Asks questions one after the other, on one stream. Answers may lead to more.
 */
async function converse(
  transport: Transport,
  first: readonly Question[],
  onAnswer: (answer: ServerReflectionResponse) => readonly Question[],
  signal: AbortSignal,
): Promise<void> {
  for (const version of versions) {
    try {
      await converseIn(version, transport, first, onAnswer, signal);
      return;
    } catch (error) {
      const isLast = version === versions.at(-1);
      if (isLast || ConnectError.from(error).code !== Code.Unimplemented) throw error;
    }
  }
}

async function converseIn(
  version: typeof ServerReflection,
  transport: Transport,
  first: readonly Question[],
  onAnswer: (answer: ServerReflectionResponse) => readonly Question[],
  signal: AbortSignal,
): Promise<void> {
  const questions = [...first];
  let answered = Promise.withResolvers<void>();
  async function* ask(): AsyncGenerator<{ messageRequest: Question }> {
    for (let next = questions.shift(); next !== undefined; next = questions.shift()) {
      answered = Promise.withResolvers();
      yield { messageRequest: next };
      await answered.promise;
    }
  }
  try {
    const answers = createClient(version, transport).serverReflectionInfo(ask(), { signal });
    for await (const answer of answers) {
      if (answer.messageResponse.case === "errorResponse") throw refused(answer.messageResponse.value);
      questions.push(...onAnswer(answer));
      answered.resolve();
    }
  } finally {
    // Lets the questions end as well.
    questions.length = 0;
    answered.resolve();
  }
}

/** The numbers of gRPC's and of Connect's codes are the same. */
function refused(of: { errorCode: number; errorMessage: string }): ConnectError {
  const name = Code[of.errorCode] as keyof typeof Code | undefined;
  return new ConnectError(of.errorMessage, name === undefined ? Code.Unknown : Code[name]);
}
