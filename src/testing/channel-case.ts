import type { ChannelBench } from "./channel-bench.ts";
import { kindNames } from "./channel-kinds.ts";
import type { Kind } from "./channel-kinds.ts";

/**
 * What not every channel can do:
 *
 * - `serverStreams`, `clientStreams`, `bidi`: methods that stream
 * - `limits`: `readMaxBytes` and `writeMaxBytes`; a channel that hands messages
 *   over without bytes has none
 * - `connections`: there is something to connect to, so that calls can fail
 *   because it is not there
 */
export type ChannelAbility = "serverStreams" | "clientStreams" | "bidi" | "limits" | "connections";

/** What must be so, and what a channel needs for it. */
export interface ChannelTest {
  readonly name: string;
  readonly needs: readonly ChannelAbility[];
  readonly test: (bench: ChannelBench) => Promise<void>;
}

/** The ability that a kind of method needs, beyond what every channel has. */
export const abilityOf: Readonly<Record<Kind, ChannelAbility | undefined>> = {
  ask: undefined,
  look: undefined,
  download: "serverStreams",
  upload: "clientStreams",
  converse: "bidi",
};

/** Tests by their names. */
export function tests(
  cases: Readonly<Record<string, ChannelTest["test"]>>,
  ...needs: readonly ChannelAbility[]
): readonly ChannelTest[] {
  return Object.entries(cases).map(([name, test]) => ({ name, needs, test }));
}

/** What must be so for several kinds of methods. */
export type KindCases = Readonly<Record<string, (bench: ChannelBench, kind: Kind) => Promise<void>>>;

/** Each test once for each kind of method. */
export function testsOf(
  kinds: readonly Kind[],
  cases: KindCases,
  ...needs: readonly ChannelAbility[]
): readonly ChannelTest[] {
  return Object.entries(cases).flatMap(([name, test]) =>
    kinds.map((kind) => ({
      name: `${name}: ${kindNames[kind]}`,
      needs: withAbility(needs, abilityOf[kind]),
      test: (bench) => test(bench, kind),
    })),
  );
}

/** All kinds of methods but the second unary one. */
export const everyKind: readonly Kind[] = ["ask", "download", "upload", "converse"];

/** Kinds with more than one answer. */
export const answerStreams: readonly Kind[] = ["download", "converse"];

/** Kinds with more than one request. */
export const requestStreams: readonly Kind[] = ["upload", "converse"];

function withAbility(
  needs: readonly ChannelAbility[],
  more: ChannelAbility | undefined,
): readonly ChannelAbility[] {
  return more === undefined ? needs : [...needs, more];
}
