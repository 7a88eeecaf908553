import { defineConfig } from "@playwright/test";

const port = Number(process.env["VALETKEY_UI_PORT"] ?? 4188);

/** Against a real agent and a real provider: `node e2e/with-agent.mjs npx playwright test` starts both. */
export default defineConfig({
  testDir: "e2e",
  outputDir: "test-results",
  // One agent, one story at a time.
  workers: 1,
  forbidOnly: true,
  timeout: 30_000,
  reporter: [["list"]],
  use: {
    baseURL: `http://127.0.0.1:${port}`,
    viewport: { width: 1280, height: 800 },
    trace: "retain-on-failure",
    permissions: ["clipboard-read", "clipboard-write"],
    launchOptions: {
      executablePath: process.env["VALETKEY_UI_CHROMIUM"] ?? "/usr/bin/chromium",
      args: ["--no-sandbox"],
    },
  },
  webServer: {
    command: `npm run -s build && node node_modules/vite/bin/vite.js preview --port ${port} --strictPort`,
    url: `http://127.0.0.1:${port}/`,
    timeout: 120_000,
  },
});
