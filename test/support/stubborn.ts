import { GreetService } from "../../gen/greet/v1/greet_pb.ts";
import { component, implement } from "../../src/index.ts";
import type { Component } from "../../src/index.ts";

/** A greeter whose calls wait for `open()`, whatever their signal says. */
export class Stubborn {
  readonly component: Component;
  /** How many calls wait, or have waited. */
  waiting = 0;
  readonly #gate: Promise<void>;
  #open: () => void = () => {};

  constructor() {
    this.#gate = new Promise((resolve) => {
      this.#open = resolve;
    });
    const pass = (): Promise<void> => {
      this.waiting++;
      return this.#gate;
    };
    this.component = component({
      name: "greeter",
      services: [
        implement(
          GreetService,
          {
            async greet({ name }) {
              if (name === "at once") return { message: "hello" };
              await pass();
              return { message: `hello ${name}` };
            },
            async *greetMany({ name }) {
              yield { message: `hello ${name}`, index: 1 };
              await pass();
              yield { message: `hello ${name}`, index: 2 };
            },
            async collect(requests) {
              const names: string[] = [];
              for await (const { name } of requests) names.push(name);
              await pass();
              return { message: `hello ${names.join(", ")}`, count: names.length };
            },
          },
          { partial: true },
        ),
      ],
    });
  }

  /** Lets all calls go on, those that come later too. */
  open(): void {
    this.#open();
  }
}
