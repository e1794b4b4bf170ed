import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    maxWorkers: 2,
    // Limits end what hangs. No test measures time with them, so a machine that is busy has enough.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 20_000 } },
    coverage: {
      provider: "v8",
      include: ["src/**/*.ts"],
      reporter: ["text-summary", "html", "json-summary"],
      // Of the parts that need no server. What a few tests cover says nothing about the rest.
      thresholds: process.env.WHOLE_SUITE
        ? {
            "src/databank/**.ts": { lines: 99, branches: 96 },
            "src/store/**.ts": { lines: 98, branches: 93 },
          }
        : {},
    },
    projects: [
      {
        extends: true,
        test: {
          name: "source",
          include: ["test/**/*.test.ts"],
          exclude: ["**/node_modules/**", "test/package/**"],
        },
      },
      {
        extends: true,
        // Installs the packed package again and again, so it takes minutes.
        test: { name: "package", include: ["test/package/**/*.test.ts"], testTimeout: 300_000 },
      },
    ],
  },
});
