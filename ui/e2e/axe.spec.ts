import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { expect, test } from "./world";

const SIZES = [
  { width: 640, height: 480 },
  { width: 1280, height: 800 },
];

async function clean(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, any }) => `${html} ${any[0]?.message ?? ""}`).join("\n")}`)).toEqual([]);
}

/** Nothing sticks out sideways. */
async function fits(page: Page): Promise<void> {
  const beyond = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect(beyond).toBeLessThanOrEqual(0);
  const main = await page.locator("main").evaluate((node) => node.scrollWidth - node.clientWidth);
  expect(main).toBeLessThanOrEqual(0);
}

for (const colorScheme of ["light", "dark"] as const) {
  for (const viewport of SIZES) {
    test.describe(`${colorScheme}, ${viewport.width}x${viewport.height}`, () => {
      test.use({ colorScheme, viewport });

      test("axe finds nothing on any page", async ({ page, world }, info) => {
        const seen = async (name: string): Promise<void> => {
          await page.screenshot({ path: info.outputPath(`${name}.png`) });
          await test.step(name, async () => {
            await fits(page);
            await clean(page);
          });
        };
        await page.goto("/");
        await page.getByText("Nobody is signed in yet.").waitFor();
        await seen("empty");

        await world.authenticator("GitHub", "github", ["openid", "email", "repo"]);
        await world.authenticator("Google", "google", ["openid", "https://www.googleapis.com/auth/gmail.readonly"]);
        await world.authenticator("Slack", "slack", ["openid"]);
        await world.authenticator("Demo");
        await world.signIn("github", "ada");
        await world.signIn("github", "grace", "work");
        await world.signIn("google", "linus");
        await world.token("google");
        await world.signIn("demo", "ada");
        await world.lose("demo", "ada");
        await world.agent("POST", "credentials/connections", { authenticator: "slack" });
        await page.getByText("Signing in…").waitFor();
        await page.getByText("needs you to sign in again").waitFor();
        await seen("connections");

        await page.getByRole("button", { name: "More for Google" }).click();
        await seen("menu");
        await page.keyboard.press("Escape");

        await page.getByRole("link", { name: "Google" }).click();
        await page.getByText("Lately").waitFor();
        await seen("details");
        await page.getByRole("button", { name: "Disconnect…" }).click();
        await seen("disconnect");
        await page.keyboard.press("Escape");
        await page.keyboard.press("Escape");

        for (const [name, hash, text] of [
          ["add", "add/github", "One-time set-up"],
          ["custom", "add/custom", "Authorization URL"],
          ["activity", "activity", "Today"],
          ["settings", "settings", "Where things are"],
        ] as const) {
          await page.goto(`/#/${name === "custom" ? "connections" : hash}`);
          if (name === "custom") {
            await page.goto("/#/add");
            await page.getByRole("button", { name: "Custom" }).click();
            await page.getByLabel("Client secret").fill("ghp_x");
            await page.getByRole("button", { name: "Save", exact: true }).click();
            await page.getByText("client_id is missing.").waitFor();
          }
          await page.getByText(text).first().waitFor();
          await seen(name);
        }

        await page.goto("/#/connections");
        await page.getByRole("button", { name: "More for Google" }).click();
        await page.getByRole("menuitem", { name: "Edit authenticator…" }).click();
        await page.getByText("in use by google").waitFor();
        await seen("edit");

        await page.goto("/#/welcome");
        await seen("welcome-1");
        await page.getByRole("button", { name: "Continue" }).click();
        await seen("welcome-2");
        await page.getByRole("button", { name: "Continue" }).click();
        await seen("welcome-3");

        await page.route("**/api/**", (route) => route.abort());
        await page.goto("/#/");
        await page.reload();
        await page.getByRole("heading", { name: "Valet Key's agent does not answer" }).waitFor();
        await seen("gone");
      });
    });
  }
}
