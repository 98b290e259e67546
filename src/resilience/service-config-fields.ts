import { Code } from "@connectrpc/connect";
import type { ConnectError } from "@connectrpc/connect";
import { configurationError } from "../error.ts";

/** A value together with its place, such as `serviceConfig.methodConfig[0].timeout`. */
export interface Placed {
  readonly value: unknown;
  readonly path: string;
  /** What it is said about, such as methods, for messages. Default: that goes without saying. */
  readonly about?: string | undefined;
}

const duration = /^(-?)(\d{0,12})(?:\.(\d{0,9}))?s$/;

/**
 * The fields of an object of a service config, by their names in proto3 JSON:
 * camel case, or as in the proto file. Null is the same as absent. Each reader
 * throws a configuration error that names the place when a field has not the
 * type that it should have. Fields that nobody asks for are ignored (gRFC A21).
 */
export class Fields {
  readonly path: string;
  /** What the fields are about, as in {@link Placed}. */
  readonly about: string | undefined;
  readonly #values: Readonly<Record<string, unknown>>;

  /** Throws when the value is no object. */
  constructor({ value, path, about }: Placed) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong({ value, path, about }, "an object");
    this.path = path;
    this.about = about;
    this.#values = value as Readonly<Record<string, unknown>>;
  }

  /** The place of the fields, for messages. */
  get where(): string {
    return placeOf(this);
  }

  /** Names of all fields, as they are written. */
  get names(): readonly string[] {
    return Object.keys(this.#values);
  }

  /** The field with its place, or undefined when it is absent. */
  at(name: string): Placed | undefined {
    const snake = name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    const value = this.#values[name] ?? this.#values[snake];
    return value === undefined || value === null ? undefined : { value, path: `${this.path}.${name}`, about: this.about };
  }

  /** The same, or an error when it is absent. */
  need<T>(name: string, value: T | undefined): T {
    if (value !== undefined) return value;
    const path = `${this.path}.${name}`;
    throw configurationError(`${placeOf({ path, about: this.about })} is missing`, { field: path });
  }

  text(name: string): string | undefined {
    return this.#read(name, (value) => (typeof value === "string" ? value : undefined), "a text");
  }

  flag(name: string): boolean | undefined {
    return this.#read(name, (value) => (typeof value === "boolean" ? value : undefined), "true or false");
  }

  number(name: string): number | undefined {
    return this.#read(name, (value) => (typeof value === "number" ? value : undefined), "a number");
  }

  /** A `google.protobuf.Duration` in milliseconds, written as seconds: `"1.5s"`. */
  milliseconds(name: string): number | undefined {
    return this.#read(name, durationMs, 'a duration in seconds, such as "1.5s"');
  }

  /** Codes as numbers or names in any case. OK is dropped: nothing that fails has it. */
  codes(name: string): readonly Code[] | undefined {
    return this.list(name)
      ?.map((item) => codeOf(item.value) ?? fail(item, "a code, such as UNAVAILABLE or 14"))
      .filter((code): code is Code => code !== 0);
  }

  object(name: string): Fields | undefined {
    const placed = this.at(name);
    return placed === undefined ? undefined : new Fields(placed);
  }

  list(name: string): readonly Placed[] | undefined {
    const placed = this.at(name);
    if (placed === undefined) return undefined;
    const { value, path, about } = placed;
    if (!Array.isArray(value)) throw wrong(placed, "a list");
    return value.map((item: unknown, index) => ({ value: item, path: `${path}[${index}]`, about }));
  }

  #read<T>(name: string, parse: (value: unknown) => T | undefined, must: string): T | undefined {
    const placed = this.at(name);
    if (placed === undefined) return undefined;
    return parse(placed.value) ?? fail(placed, must);
  }
}

/** The error for a value that is not what it must be. */
export function wrong({ value, path, about }: Placed, must: string): ConnectError {
  return configurationError(`${placeOf({ path, about })} is ${JSON.stringify(value)}: it must be ${must}`, { field: path });
}

function placeOf({ path, about }: Pick<Placed, "path" | "about">): string {
  return about === undefined ? path : `${path} (for ${about})`;
}

function fail(placed: Placed, must: string): never {
  throw wrong(placed, must);
}

function durationMs(value: unknown): number | undefined {
  const match = typeof value === "string" ? duration.exec(value) : null;
  const [, sign = "", whole = "", part = ""] = match ?? [];
  // 10 000 years are the most that a Duration can be.
  if (whole + part === "" || Number(whole) > 315_576_000_000) return undefined;
  const ms = Number(whole) * 1_000 + Number(part.padEnd(9, "0")) / 1e6;
  return sign === "-" ? -ms : ms;
}

function codeOf(value: unknown): Code | 0 | undefined {
  if (typeof value === "number") return Number.isInteger(value) && value >= 0 && value <= 16 ? value : undefined;
  if (typeof value !== "string") return undefined;
  const name = value.toUpperCase().replaceAll("_", "");
  if (name === "OK") return 0;
  if (name === "CANCELLED") return Code.Canceled;
  const [, code] = Object.entries(Code).find(([known]) => known.toUpperCase() === name) ?? [];
  return typeof code === "number" ? code : undefined;
}
