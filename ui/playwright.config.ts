import { defineConfig } from "@playwright/test";

/** Tests of the built page with a real agent, started by `tests/tests/it/page.rs`. */
export default defineConfig({
  testDir: "e2e",
  outputDir: "test-results",
  globalSetup: "./e2e/serve.ts",
  // All tests share one agent.
  workers: 1,
  forbidOnly: true,
  // Generous: the machines are shared. What one step waits for ends before its test, and is named.
  timeout: 240_000,
  expect: { timeout: 30_000 },
  reporter: [["list"]],
  use: {
    // Set by serve.ts.
    baseURL: process.env.VALETKEY_UI_PAGE ?? "",
    actionTimeout: 60_000,
    navigationTimeout: 60_000,
    viewport: { width: 1280, height: 800 },
    trace: "retain-on-failure",
    permissions: ["clipboard-read", "clipboard-write"],
    launchOptions: {
      executablePath: process.env.VALETKEY_UI_CHROMIUM ?? "",
      args: ["--no-sandbox"],
    },
  },
});
