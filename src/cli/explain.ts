import type { ConnectError } from "@connectrpc/connect";
import { subscribe } from "../events.ts";
import type { CallAttempt, CallExplanation } from "../contract/call-explanation.ts";
import { failureOf } from "./failure.ts";
import { aligned } from "./table.ts";

/**
 * Tells where calls go and why, until it is disposed of.
 *
 * @param json whether to tell it as JSON, a call a line
 */
export function tellCalls(tell: (text: string) => void, json: boolean): Disposable {
  const end = subscribe("call.explained", (call) => {
    tell(json ? `${JSON.stringify(plain(call))}\n` : text(call));
  });
  return { [Symbol.dispose]: end };
}

function text(call: CallExplanation): string {
  const { service, method, tookMs, timeoutMs, error, hashKey, attempts, budgetLeft, throttleTokens } = call;
  const key = hashKey === undefined ? "" : `, key ${hashKey}`;
  const tokens = throttleTokens === undefined ? "" : `, ${throttleTokens} tokens`;
  const head = [
    `${service}/${method}: ${how(error)} after ${ms(tookMs)} of ${ms(timeoutMs)}${key}`,
    `left to repeat calls: ${Math.floor(budgetLeft)}${tokens}`,
  ];
  return `${head.join("\n")}\n${attempts.map(attemptText).join("")}`;
}

function attemptText(attempt: CallAttempt, at: number): string {
  const { instance, channel, why, atMs, tookMs, error, next, afterMs, candidates } = attempt;
  const pause = afterMs === undefined ? "" : `, again after ${ms(afterMs)}`;
  const end = next === "answered" ? "answered" : error === undefined ? next : `${how(error)} (${next})`;
  const rows = candidates.map((candidate) => [
    candidate.instance === instance ? " >" : " ",
    candidate.instance,
    candidate.state,
    `${candidate.weight}`,
    `${candidate.inFlight}`,
    candidate.expectedMs === 0 ? "" : ms(candidate.expectedMs),
    candidate.cost === 0 ? "" : ms(candidate.cost),
  ]);
  const head = [" ", "INSTANCE", "STATE", "WEIGHT", "RUNNING", "EXPECTED", "COST"];
  const line = `attempt ${at + 1} (${why}) at ${ms(atMs)}: ${instance} over ${channel}, ${ms(tookMs)}: ${end}${pause}\n`;
  return line + aligned([head, ...rows]);
}

function how(error: ConnectError | undefined): string {
  if (error === undefined) return "answered";
  const { code, message } = failureOf(error);
  return `${code}: ${message}`;
}

function ms(value: number): string {
  return `${Math.round(value * 10) / 10} ms`;
}

/** The same with errors that can be printed. */
function plain({ error, attempts, ...call }: CallExplanation): object {
  return {
    ...call,
    error: error && failureOf(error),
    attempts: attempts.map((attempt) => ({ ...attempt, error: attempt.error && failureOf(attempt.error) })),
  };
}
