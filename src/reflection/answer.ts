import type { DescFile } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import type { ServerReflectionRequest } from "../../gen/grpc/reflection/v1/reflection_pb.ts";
import type { ServerReflectionRequest as AlphaRequest } from "../../gen/grpc/reflection/v1alpha/reflection_pb.ts";
import { withImports } from "../contract/files.ts";
import type { FileIndex } from "./file-index.ts";

/** What a request asks for, in either version of the protocol. */
export type Question = ServerReflectionRequest["messageRequest"] | AlphaRequest["messageRequest"];

/** The answer to a {@link Question}, in fields that both versions have. */
export type Answer =
  | { case: "listServicesResponse"; value: { service: Array<{ name: string }> } }
  | { case: "fileDescriptorResponse"; value: { fileDescriptorProto: Uint8Array[] } }
  | {
      case: "allExtensionNumbersResponse";
      value: { baseTypeName: string; extensionNumber: number[] };
    }
  | { case: "errorResponse"; value: { errorCode: number; errorMessage: string } };

/**
 * Answers one question as grpc-go does. What cannot be answered is an answer
 * too, so that the stream goes on.
 *
 * @param sent names of the files that this stream has sent; added to
 */
export function answer(question: Question, index: FileIndex, sent: Set<string>): Answer {
  switch (question.case) {
    case "listServices":
      return {
        case: "listServicesResponse",
        value: { service: index.services.map(({ typeName }) => ({ name: typeName })) },
      };
    case "fileByFilename":
      return files(index.file(question.value), `file ${question.value}`, index, sent);
    case "fileContainingSymbol":
      return files(index.declaring(question.value), `symbol ${question.value}`, index, sent);
    case "fileContainingExtension": {
      const { containingType, extensionNumber } = question.value;
      const found = index.extending(containingType, extensionNumber);
      return files(found, `extension ${extensionNumber} of ${containingType}`, index, sent);
    }
    case "allExtensionNumbersOfType": {
      const numbers = index.extensionNumbers(question.value);
      if (numbers === undefined) return unknown(`message ${question.value}`);
      return {
        case: "allExtensionNumbersResponse",
        value: { baseTypeName: question.value, extensionNumber: [...numbers] },
      };
    }
    default:
      return failed(Code.InvalidArgument, "the request asks for nothing that this server knows of");
  }
}

/** The file that was asked for, and those of its imports that the stream has not sent yet. */
function files(
  asked: DescFile | undefined,
  what: string,
  index: FileIndex,
  sent: Set<string>,
): Answer {
  if (asked === undefined) return unknown(what);
  // Importers before imports: the file that was asked for comes first.
  const due = [...withImports([asked])]
    .reverse()
    .filter((file) => file === asked || !sent.has(file.proto.name));
  for (const { proto } of due) sent.add(proto.name);
  return {
    case: "fileDescriptorResponse",
    value: { fileDescriptorProto: due.map((file) => index.bytes(file)) },
  };
}

function unknown(what: string): Answer {
  return failed(
    Code.NotFound,
    `this server has no ${what}; it knows its services and what their files import`,
  );
}

function failed(code: Code, errorMessage: string): Answer {
  return { case: "errorResponse", value: { errorCode: code, errorMessage } };
}
