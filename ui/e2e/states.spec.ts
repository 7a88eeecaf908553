import { expect, test } from "./world";

test("an agent that is gone is said so, and the page goes on when it is back", async ({ page, world }) => {
  await world.authenticator("Demo");
  await page.goto("/");
  await expect(page.getByText("Not connected")).toBeVisible();
  await world.stage("kill");
  await expect(page.getByText("Valet Key's agent does not answer.")).toBeVisible();
  await expect(page.getByText("Not connected")).toBeVisible();
  await page.reload();
  await expect(page.getByRole("heading", { name: "Valet Key's agent does not answer" })).toBeVisible();
  await world.stage("restore");
  await page.getByRole("button", { name: "Try now" }).click();
  await expect(page.getByText("Not connected")).toBeVisible();
});

test("a locked keychain is said so, until it is unlocked", async ({ page, world }) => {
  await world.authenticator("Demo");
  await world.signIn("demo");
  await world.stage("lock");
  await page.goto("/");
  await expect(page.getByText("The keychain is locked.")).toBeVisible();
  await expect(page.getByText("Connected", { exact: true })).toBeVisible();
  await world.stage("restore");
  await expect(page.getByText("The keychain is locked.")).toBeHidden();
});

test("paused is shown, and resumed with a click", async ({ page, world }) => {
  await page.goto("/#/settings");
  await page.getByRole("button", { name: "Pause" }).click();
  await expect(page.getByText("Paused: programs get no tokens.")).toBeVisible();
  await page.getByRole("link", { name: "Connections" }).click();
  await page.getByRole("button", { name: "Resume" }).click();
  await expect(page.getByText("Token sharing is paused.")).toBeHidden();
  expect(await world.agent<{ paused: boolean }>("GET", "status")).toMatchObject({ paused: false });
});

test("no network is no failure", async ({ page, world }) => {
  await world.authenticator("Demo");
  await page.goto("/");
  await expect(page.getByText("Not connected")).toBeVisible();
  await page.evaluate(() => {
    Object.defineProperty(navigator, "onLine", { value: false, configurable: true });
    window.dispatchEvent(new Event("offline"));
  });
  await expect(page.getByText("This computer is offline.")).toBeVisible();
});
