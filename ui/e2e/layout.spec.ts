// Where things stand, in a small window too.
import type { Locator } from "@playwright/test";
import { asDesktop } from "./shell";
import { anotherAccount, expect, test } from "./world";

const SMALL = { width: 640, height: 480 };

async function box(of: Locator): Promise<{ x: number; y: number; width: number; height: number }> {
  const found = await of.boundingBox();
  if (!found) throw new Error("it is not visible");
  return found;
}

/** Whether their vertical extents overlap. */
async function inOneLine(one: Locator, other: Locator): Promise<boolean> {
  const [a, b] = await Promise.all([box(one), box(other)]);
  return a.y < b.y + b.height && b.y < a.y + a.height;
}

for (const viewport of [SMALL, { width: 1040, height: 700 }]) {
  test(`the tools of a page stand in one line with its heading at ${viewport.width}`, async ({ page }) => {
    await page.setViewportSize(viewport);
    await page.goto("/#/add");
    const heading = page.getByRole("heading", { name: "Add authenticator" });
    for (const name of ["Import…", "Cancel"]) {
      expect(await inOneLine(heading, page.getByRole("button", { name })), name).toBe(true);
    }
  });
}

test("the answers of a long dialog are in sight in a small window", async ({ page }) => {
  await page.setViewportSize(SMALL);
  await page.goto("/");
  await page.getByRole("button", { name: "Valet Key menu" }).click();
  await page.getByRole("menuitem", { name: "Doctor" }).click();
  await page.getByText("OK", { exact: true }).first().waitFor();
  await expect(page.getByRole("button", { name: "Close" })).toBeInViewport({ ratio: 1 });
});

test("a message is shown once, in the dialog while one is open", async ({ page, world }) => {
  const dialog = await anotherAccount(page, world);
  await expect(dialog.getByText("is connected.")).toBeVisible();
  await expect(page.locator(".notice").filter({ visible: true })).toHaveCount(1);
  await dialog.getByRole("button", { name: "Keep this name" }).click();
  await expect(page.locator(".notice").filter({ visible: true })).toHaveCount(1);
});

async function overlap(one: Locator, other: Locator): Promise<boolean> {
  const [a, b] = await Promise.all([box(one), box(other)]);
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

test("a menu never covers its button", async ({ page, world }) => {
  await page.setViewportSize(SMALL);
  for (const name of ["Alpha", "Beta", "Gamma", "Delta"]) await world.authenticator(name);
  await world.signIn("delta");
  await page.goto("/");
  const more = page.getByRole("button", { name: "More for Delta" });
  await more.click();
  expect(await overlap(page.getByRole("menu"), more)).toBe(false);
});

test("the offer to start at login keeps its answers together", async ({ page, world }) => {
  await page.setViewportSize(SMALL);
  await asDesktop(page);
  await world.authenticator("Demo");
  await world.signIn("demo");
  await page.goto("/");
  const yes = page.getByRole("button", { name: "Start at login" });
  await yes.waitFor();
  expect(await inOneLine(yes, page.getByRole("button", { name: "Not now" }))).toBe(true);
});

test("the first start offers to unlock a locked keychain", async ({ page, world }) => {
  await asDesktop(page, true);
  await world.stage("lock");
  await page.goto("/");
  await page.getByRole("button", { name: "Continue" }).click();
  await expect(page.getByRole("heading", { name: "The keychain is locked." })).toBeVisible();
  await expect(page.getByRole("button", { name: "Unlock…" })).toBeVisible();
});

test("scopes are chips in plain words, when they are added and when they are changed", async ({ page, world }) => {
  await page.goto("/#/add/github");
  await expect(page.getByRole("button", { name: "Know who you are", pressed: true })).toBeVisible();
  await world.authenticator("GitHub", "github", ["read:user"]);
  await world.signIn("github");
  await page.goto("/#/connections");
  await page.getByRole("button", { name: "More for GitHub" }).click();
  await page.getByRole("menuitem", { name: "Change access…" }).click();
  const dialog = page.getByRole("dialog", { name: "Change access of github" });
  await expect(dialog.getByRole("button", { name: "Know who you are", pressed: true })).toBeVisible();
  await dialog.getByRole("button", { name: "Read notifications", pressed: false }).click();
  await expect(dialog.getByText(/^Asks for: Read notifications/)).toBeVisible();
});
