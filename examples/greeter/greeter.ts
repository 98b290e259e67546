import { setTimeout as delay } from "node:timers/promises";
import type { Duration } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { GreetService } from "../../gen/greet/v1/greet_pb.ts";
import { component, implement, instanceId } from "../../src/index.ts";
import type { Component, ComponentOptions } from "../../src/index.ts";

/** Most greetings of one `GreetMany` call, as the contract says. */
const maxCount = 10_000;

/** Options of {@link greeter}: all of a component's but its services. */
export type GreeterOptions = Partial<Omit<ComponentOptions, "services">>;

/** The component `greeter`: GreetService, with the instance's id in every answer. */
export function greeter(options: GreeterOptions = {}): Component {
  return component({
    name: "greeter",
    version: "1.0.0",
    ...options,
    services: [
      implement(GreetService, {
        greet: ({ name }, { values }) => ({
          message: greeting(name),
          instance: values.get(instanceId),
        }),

        async *greetMany({ name, count, pause }, { values, signal }) {
          if (count > maxCount) {
            throw new ConnectError(
              `count is ${count}; ask for ${maxCount} greetings at most`,
              Code.InvalidArgument,
            );
          }
          const last = Math.max(1, count);
          for (let index = 1; index <= last; index++) {
            if (index > 1 && pause !== undefined) {
              await delay(milliseconds(pause), undefined, { signal });
            }
            yield { message: greeting(name), instance: values.get(instanceId), index };
          }
        },

        async *chat(requests, { values }) {
          for await (const { name } of requests) {
            yield { message: greeting(name), instance: values.get(instanceId) };
          }
        },

        async collect(requests, { values }) {
          const names: string[] = [];
          for await (const { name } of requests) names.push(name);
          return {
            message: greeting(names.join(", ")),
            instance: values.get(instanceId),
            count: names.length,
          };
        },
      }),
    ],
  });
}

function greeting(name: string): string {
  return `hello ${name === "" ? "world" : name}`;
}

function milliseconds({ seconds, nanos }: Duration): number {
  return Number(seconds) * 1_000 + nanos / 1e6;
}
