import { fullJitter, narrowJitter } from "../../async/backoff.ts";
import { sleep } from "../../async/sleep.ts";
import { errorText } from "../../error.ts";
import type { ConnectError } from "@connectrpc/connect";
import type { ConsulClient } from "./client.ts";
import { IndexCursor, type QueryMeta, queryMeta } from "./cursor.ts";
import { type Attempt, failure, isFinal, unavailable } from "./failure.ts";
import type { Settings } from "./options.ts";
import { TokenBucket } from "./token-bucket.ts";
import type { Tuning } from "./tuning.ts";

/** Something that is watched at the agent. */
export interface Question<T> {
  readonly path: string;
  readonly what: Attempt;
  /** Reads the body of an answer. Throws a `TypeError` when it has another shape. */
  parse(body: unknown): T;
  /** Rejects when an answer is not to be believed, such as an empty one without the rights. */
  verify(value: T, signal: AbortSignal): Promise<void>;
}

/** What is known of a question: the last good answer, and what is wrong now. */
export interface Reading<T> {
  readonly value: T | undefined;
  readonly problem?: ConnectError | undefined;
}

/** Where a question is asked, and how. */
export interface Asking {
  readonly client: ConsulClient;
  readonly settings: Settings;
  readonly tuning: Tuning;
}

/**
 * Asks a question again and again by blocking queries, until the signal
 * aborts, and tells each reading. It never throws and never gives up: a
 * failure is told at once, with the last good answer, and tried again later.
 * See https://developer.hashicorp.com/consul/api-docs/features/blocking.
 */
export async function follow<T>(
  question: Question<T>,
  asking: Asking,
  tell: (reading: Reading<T>) => void,
  signal: AbortSignal,
): Promise<void> {
  const { settings, tuning } = asking;
  const cursor = new IndexCursor();
  const bucket = new TokenBucket(2, settings.requestsPerSecond);
  let value: T | undefined;
  let failures = 0;
  let isDoubtful: boolean = false;
  while (await bucket.take(signal)) {
    try {
      // In doubt a short wait: it tells soon that all is well again, and that
      // the index has gone backwards behind an agent that restarted. Waiting
      // beyond the old index would only tell so at the end of the wait.
      const maxWaitMs = isDoubtful ? tuning.probeWaitMs : Infinity;
      const waitMs: number = Math.min(maxWaitMs, settings.waitMs);
      const begin = performance.now();
      const answer: Answer<T> = await ask(question, asking, { cursor, bucket, waitMs, signal });
      await question.verify(answer.value, signal);
      // An agent that shuts down answers early and without a change.
      isDoubtful = answer.meta.index === cursor.index && performance.now() - begin < waitMs;
      cursor.advance(answer.meta.index);
      value = answer.value;
      failures = 0;
      if (!signal.aborted) tell({ value });
    } catch (thrown) {
      if (signal.aborted) return;
      const problem = failure(question.what, thrown);
      tell({ value, problem });
      await sleep(pause(problem, failures, tuning), signal);
      failures += 1;
      isDoubtful = true;
    }
  }
}

/** A refused request is not repeated soon, but a fixed token must heal soon. */
function pause(problem: ConnectError, failures: number, tuning: Tuning): number {
  return isFinal(problem)
    ? narrowJitter(tuning.deniedBackoff, failures, tuning.random)
    : fullJitter(tuning.queryBackoff, failures, tuning.random);
}

interface Round {
  readonly cursor: IndexCursor;
  readonly bucket: TokenBucket;
  readonly waitMs: number;
  readonly signal: AbortSignal;
}

interface Answer<T> {
  readonly value: T;
  readonly meta: QueryMeta;
}

/**
 * One round: from any server, which spreads the load and works without a
 * leader, and once more from the leader when that server lags too far behind.
 */
async function ask<T>(question: Question<T>, asking: Asking, round: Round): Promise<Answer<T>> {
  const { client, settings } = asking;
  const { signal } = round;
  const index = round.cursor.index;
  const stale = await client.get(question.what, question.path, {
    query: { stale: "", ...(index === undefined ? {} : { index: String(index) }) },
    waitMs: index === undefined ? undefined : round.waitMs,
    signal,
  });
  const answer = read(question, stale);
  const { knownLeader, lastContactMs } = answer.meta;
  if (knownLeader && lastContactMs <= settings.staleBoundMs) return answer;
  if (!(await round.bucket.take(signal))) return answer;
  try {
    const get = client.get(question.what, question.path, { query: {}, isSlow: true, signal });
    return read(question, await get);
  } catch {
    // An old answer is better than none while there is no leader.
    return answer;
  }
}

function read<T>(
  question: Question<T>,
  answer: { headers: Parameters<typeof queryMeta>[0]; text: string },
): Answer<T> {
  try {
    const meta = queryMeta(answer.headers);
    return { meta, value: question.parse(JSON.parse(answer.text)) };
  } catch (error) {
    throw unavailable(question.what, `its answer cannot be read: ${errorText(error)}`, error);
  }
}
