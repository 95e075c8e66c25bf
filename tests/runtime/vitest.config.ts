import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["**/*.test.ts"],
    // Each file starts a platform of its own; side by side they would take the processor from each other, and some of
    // them measure time.
    fileParallelism: false,
    // What hangs is told of in the end; a busy machine only takes its time.
    testTimeout: 240_000,
    hookTimeout: 240_000,
    reporters: ["verbose"],
  },
});
