import { afterAll, beforeAll, describe, it } from "vitest";
import { consul } from "../../../src/registry/consul/consul.ts";
import { testRegistry } from "../../../src/testing/registry.ts";
import { type ConsulAgent, hasConsul, startConsul } from "../../support/consul-agent.ts";

describe.skipIf(!hasConsul)("consul(), as every registry", () => {
  let agent: ConsulAgent;
  beforeAll(async () => {
    agent = await startConsul();
  });
  afterAll(async () => {
    await agent.stop();
  });

  const cases = testRegistry({
    create: async () => {
      const options = { address: agent.address, requestsPerSecond: 50 };
      return {
        registry: consul(options),
        other: consul(options),
        [Symbol.asyncDispose]: async () => {},
      };
    },
  });
  for (const one of cases) it(one.name, one.run);
});
