import { Code } from "@connectrpc/connect";

/** What gRPC says of a message that cannot be read (https://grpc.io/docs/guides/status-codes). */
export const unreadable: Code = Code.Internal;
