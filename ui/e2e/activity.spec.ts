import { readFile } from "node:fs/promises";
import { expect, test } from "./world";

test("the log is live, filtered and exported", async ({ page, world }) => {
  await world.authenticator("Demo");
  await world.signIn("demo");
  await page.goto("/#/activity");
  await expect(page.getByText("Demo signed in").first()).toBeVisible();
  await world.token("demo");
  await expect(page.getByText("Demo token handed to ui").first()).toBeVisible();
  await page.getByRole("button", { name: "Handed out" }).click();
  await expect(page.getByText("Demo signed in")).toHaveCount(0);
  await page.getByLabel("Filter").fill("no such thing");
  await expect(page.getByText("Nothing matches this filter.")).toBeVisible();
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Export" }).click();
  const [file] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("menuitem", { name: /CSV/ }).click(),
  ]);
  expect(await readFile(await file.path(), "utf8")).toContain("token.served");
});

test("older events are read on demand", async ({ page, world }) => {
  await world.authenticator("Demo");
  await world.signIn("demo");
  for (let count = 0; count < 120; count++) await world.token("demo");
  await page.goto("/#/activity");
  await expect(page.locator("main li")).toHaveCount(100);
  await page.getByRole("button", { name: "Load older" }).click();
  await expect.poll(() => page.locator("main li").count()).toBeGreaterThan(120);
});
