import { defineConfig } from "@playwright/test";

/** Walks through the built page, in front of a real agent: `tests/tests/it/page.rs` sets the stage. */
export default defineConfig({
  testDir: "e2e",
  outputDir: "test-results",
  globalSetup: "./e2e/serve.ts",
  // One agent, one story at a time.
  workers: 1,
  forbidOnly: true,
  timeout: 60_000,
  reporter: [["list"]],
  use: {
    // Set by serve.ts.
    baseURL: process.env.VALETKEY_UI_PAGE ?? "",
    viewport: { width: 1280, height: 800 },
    trace: "retain-on-failure",
    permissions: ["clipboard-read", "clipboard-write"],
    launchOptions: {
      executablePath: process.env.VALETKEY_UI_CHROMIUM ?? "",
      args: ["--no-sandbox"],
    },
  },
});
