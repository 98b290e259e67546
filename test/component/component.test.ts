import { describe, expect, test } from "vitest";
import { Health } from "../../gen/grpc/health/v1/health_pb.ts";
import { GreetService } from "../../gen/greet/v1/greet_pb.ts";
import { checkTogether, component } from "../../src/component/component.ts";
import type { ComponentOptions } from "../../src/component/component.ts";
import { implement } from "../../src/component/implement.ts";
import { reasonOf } from "../../src/error.ts";

const greet = implement(GreetService, {}, { partial: true });
const health = implement(Health, {}, { partial: true });

function thrownBy(action: () => unknown): Error {
  try {
    action();
  } catch (error) {
    expect(reasonOf(error)).toBe("INVALID_CONFIGURATION");
    return error as Error;
  }
  throw new Error("nothing was thrown");
}

describe("implement", () => {
  test("a missing method is a compile error, and an error for callers without types", () => {
    const error = thrownBy(() =>
      // @ts-expect-error -- greetMany, chat and collect are missing
      implement(GreetService, { greet: () => ({}) }),
    );
    expect(error.message).toContain("greet.v1.GreetService lacks greetMany, chat, collect");
    expect(error.message).toContain("partial: true");
  });

  test("missing methods are fine when partial is asked for", () => {
    expect(implement(GreetService, { greet: () => ({}) }, { partial: true }).service).toBe(GreetService);
  });
});

describe("component", () => {
  test("takes its name from the first service when it has none", () => {
    expect(component({ services: [greet] }).name).toBe("greet-service");
    expect(component({ services: [health] }).name).toBe("health");
  });

  test("fills in defaults and starts as VIRGIN", () => {
    const made = component({ services: [greet] });
    expect(made).toMatchObject({
      version: "0.0.0",
      weight: 10,
      warningWeight: 1,
      channels: ["protobuf", "json", "msgpack", "grpc", "grpc-web", "rest"],
      state: "VIRGIN",
    });
  });

  test.each(["", "Greeter", "-greeter", "greeter-", "gree ter", "a".repeat(64), "gre.eter"])(
    "refuses the name %j",
    (name) => {
      expect(thrownBy(() => component({ name, services: [greet] })).message).toContain(`"${name}"`);
    },
  );

  test.each([
    [() => undefined, "a function"],
    [[{}], "[an object]"],
    [null, "null"],
  ])("refuses interceptors that are no list of functions: %o", (interceptors, shown) => {
    const options = { name: "greeter", services: [greet], interceptors } as unknown as ComponentOptions;
    expect(thrownBy(() => component(options)).message).toContain(
      `the options of component greeter set interceptors to ${shown}: it must be a list of functions`,
    );
  });

  test("refuses a component without services, naming it", () => {
    expect(thrownBy(() => component({ name: "empty", services: [] })).message).toContain(
      "component empty has no services",
    );
  });

  test("refuses a service twice, naming both", () => {
    const error = thrownBy(() => component({ name: "twice", services: [greet, greet] }));
    expect(error.message).toContain("component twice implements greet.v1.GreetService twice");
  });

  test.each([0, 65_536, 1.5])("refuses the weight %s", (weight) => {
    expect(thrownBy(() => component({ services: [greet], weight })).message).toContain("weight");
  });

  test("refuses no channels", () => {
    expect(thrownBy(() => component({ services: [greet], channels: [] })).message).toContain(
      "offers no channel",
    );
  });
});

describe("checkTogether", () => {
  test("refuses two components of one name", () => {
    const error = thrownBy(() => {
      checkTogether([
        component({ name: "same", services: [greet] }),
        component({ name: "same", services: [health] }),
      ]);
    });
    expect(error.message).toContain("two components are named same");
  });

  test("refuses a service that two components implement, naming all three", () => {
    const error = thrownBy(() => {
      checkTogether([
        component({ name: "one", services: [greet] }),
        component({ name: "two", services: [greet] }),
      ]);
    });
    expect(error.message).toContain("greet.v1.GreetService is implemented by both one and two");
  });
});
