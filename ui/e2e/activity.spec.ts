import { readFile } from "node:fs/promises";
import { expect, test } from "./world";

test("the log is live, filtered and exported", async ({ page, world }) => {
  await world.authenticator("Demo");
  await world.signIn("demo");
  await page.goto("/#/activity");
  await expect(page.getByText("Demo signed in").first()).toBeVisible();
  await world.token("demo");
  await expect(page.getByText("Demo (ada@example.com) token handed to ui").first()).toBeVisible();
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
  const handedOut = page.getByRole("listitem").filter({ hasText: /Demo \(ada@example\.com\) token handed to ui/ });
  const count = async (): Promise<number> => {
    const texts = await handedOut.allTextContents();
    return texts.reduce((sum, text) => sum + Number(/(\d+) times/.exec(text)?.[1] ?? 1), 0);
  };
  await expect.poll(count).toBe(100);
  await expect(page.getByText("Demo signed in")).toHaveCount(0);
  await page.getByRole("button", { name: "Load older" }).click();
  await expect.poll(count).toBe(120);
  await expect(page.getByText(/^Demo signed in/)).toBeVisible();
});

test("a sign-in is one row that unfolds, and what was removed keeps its name", async ({ page, world }) => {
  const id = await world.authenticator("Demo");
  await world.signIn("demo");
  await world.agent("DELETE", `oauth/authenticators/${id}?force=true`);
  await page.goto("/#/activity");
  const signIn = page.getByRole("listitem").filter({ hasText: "signed in" });
  await expect(signIn).toHaveCount(1);
  await expect(page.getByText("sign-in started")).toHaveCount(0);
  await signIn.getByRole("button", { name: /steps/ }).click();
  await expect(signIn.getByText("Sign-in started")).toBeVisible();
  await expect(signIn.getByText("Sign-in allowed at the provider")).toBeVisible();
  await expect(page.getByText(/^demo authenticator added/)).toBeVisible();
  await expect(page.getByText(/^Authenticator added/)).toHaveCount(0);
});
