import type { ViteUserConfig } from "vitest/config";

const config: ViteUserConfig = {
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/setup/consul-binary.ts"],
    // Real servers and processes: generous, but a hang still fails.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Two workers: the tests start processes of their own.
    maxWorkers: 2,
  },
};

export default config;
