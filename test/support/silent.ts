import { GreetService } from "../../gen/greet/v1/greet_pb.ts";
import { component, implement } from "../../src/index.ts";
import type { Component } from "../../src/index.ts";

/** A greeter that answers to nothing. @param asked called for each call */
export function silent(asked: () => void = () => {}): Component {
  const never = (): Promise<never> => {
    asked();
    return new Promise(() => {});
  };
  async function* nothing(): AsyncGenerator<never> {
    yield await never();
  }
  const greets = { greet: never, collect: never, greetMany: nothing, chat: nothing };
  return component({ name: "greeter", services: [implement(GreetService, greets)] });
}
