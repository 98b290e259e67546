import { ConnectError } from "@connectrpc/connect";

/** The error that a call failed with. Throws when it did not fail. */
export async function failure(call: Promise<unknown>): Promise<ConnectError> {
  const failed = await call.then(
    () => undefined,
    (error: unknown) => ConnectError.from(error),
  );
  if (failed === undefined) throw new Error("the call did not fail");
  return failed;
}

/** All messages of a stream. */
export async function all<T>(messages: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const message of messages) list.push(message);
  return list;
}

/** A request stream of these messages. */
export async function* streamOf<T>(...messages: readonly T[]): AsyncIterable<T> {
  yield* messages;
}
