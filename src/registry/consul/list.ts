import { unlessAborted } from "../../async/unless-aborted.ts";
import type { Instance } from "../../contract/instance.ts";
import { byId } from "../registry.ts";
import type { Catalog, Questions } from "./questions.ts";
import type { Listener } from "./shared.ts";

/** Reads everything of the mesh's once. What others have registered is passed over. */
export async function list(
  questions: Questions,
  signal: AbortSignal = new AbortController().signal,
): Promise<readonly Instance[]> {
  signal.throwIfAborted();
  const done = new AbortController();
  const either = AbortSignal.any([signal, done.signal]);
  try {
    const catalog = await first<Catalog>((tell) => questions.catalog(tell), either);
    // The catalog does not show meta, so whose service it is shows only then.
    const names = [...catalog.keys()].filter((name) => name !== "consul");
    const all = names.map((name) =>
      first<readonly Instance[]>((tell) => questions.instances(name, tell), either),
    );
    return byId((await Promise.all(all)).flat());
  } finally {
    // One that failed leaves the others waiting.
    done.abort(new Error("the listing has ended"));
  }
}

/** The first answer to a question. Rejects when the question cannot be answered now. */
async function first<T>(
  listen: (tell: Listener<T>) => () => void,
  signal: AbortSignal,
): Promise<T> {
  const answer = Promise.withResolvers<T>();
  let stop: (() => void) | undefined;
  stop = listen(({ value, problem }) => {
    if (problem !== undefined) answer.reject(problem);
    else if (value !== undefined) answer.resolve(value);
    // At once, before the watch asks again.
    stop?.();
  });
  try {
    return await unlessAborted(answer.promise, signal);
  } finally {
    stop();
  }
}
