import type { Locator, Page } from "@playwright/test";
import { expect, opening, PROVIDER, test } from "./world";

/** Goes there with Tab alone. */
async function tabTo(page: Page, target: Locator): Promise<void> {
  for (let count = 0; count < 60; count++) {
    if (await target.evaluate((node) => node === document.activeElement).catch(() => false)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error("Tab does not get there");
}

test("search, details, menu and disconnecting need no mouse", async ({ page, world }) => {
  await world.authenticator("Demo");
  await world.authenticator("Other");
  await world.signIn("demo");
  await page.goto("/");
  await page.getByText("Connected", { exact: true }).waitFor();

  await page.keyboard.press("Control+k");
  await expect(page.getByLabel("Search")).toBeFocused();
  await page.keyboard.type("ada");
  await expect(page.locator("main li")).toHaveCount(1);
  await page.keyboard.press("Escape");
  await expect(page.locator("main li")).toHaveCount(2);

  const link = page.getByRole("link", { name: "Demo" });
  await tabTo(page, link);
  await page.keyboard.press("Enter");
  const drawer = page.getByRole("dialog", { name: "Details of demo" });
  await expect(drawer).toBeVisible();
  for (let count = 0; count < 30; count++) {
    await page.keyboard.press("Tab");
    // The browser's own bar is between the last and the first of them.
    const inside = await page.evaluate(
      () => document.activeElement === document.body || document.activeElement?.closest("dialog") !== null,
    );
    expect(inside).toBe(true);
  }
  await page.keyboard.press("Escape");
  await expect(link).toBeFocused();

  const more = page.getByRole("button", { name: "More for Demo" });
  await tabTo(page, more);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("menuitem", { name: "Details" })).toBeFocused();
  await page.keyboard.press("ArrowUp");
  await expect(page.getByRole("menuitem", { name: "Disconnect…" })).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(more).toBeFocused();
  await page.keyboard.press("Enter");
  await page.keyboard.press("End");
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: "Disconnect demo" });
  await expect(dialog.getByRole("button", { name: "Keep it" })).toBeFocused();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await expect(page.getByText("The provider revoked its tokens.")).toBeVisible();
});

test("the whole main job needs no mouse", async ({ page, world }) => {
  const press = async (target: Locator): Promise<void> => {
    await tabTo(page, target);
    await page.keyboard.press("Enter");
  };
  const type = async (label: string, text: string): Promise<void> => {
    await tabTo(page, page.getByLabel(label, { exact: true }));
    await page.keyboard.type(text);
  };
  await page.goto("/");
  await page.getByText("No connections yet.").waitFor();
  await press(page.getByRole("link", { name: /Any OAuth provider/ }));
  await page.getByRole("heading", { name: "Add authenticator" }).waitFor();
  await type("Name", "Demo");
  // Missing fields are named, and the first has the focus.
  await press(page.getByRole("button", { name: "Save and connect" }));
  await expect(page.getByLabel("Client ID")).toBeFocused();
  await page.keyboard.type("demo");
  await type("Authorization URL", `${PROVIDER}/authorize`);
  await type("Token URL", `${PROVIDER}/token`);
  await type("Add scopes", "openid");
  await page.keyboard.press("Enter");
  await type("Userinfo URL (who is signed in)", `${PROVIDER}/userinfo`);
  await type("Revocation URL (for disconnecting)", `${PROVIDER}/revoke`);
  await world.consent("ada");
  await opening(page, () => press(page.getByRole("button", { name: "Save and connect" })));
  await page.bringToFront();
  await expect(page.getByText("Connected", { exact: true })).toBeVisible();

  await press(page.getByRole("link", { name: "Activity" }));
  const signedIn = page.getByText(/^Demo signed in( as |$)/);
  await signedIn.first().waitFor();
  await press(page.getByRole("button", { name: "Problems" }));
  await expect(signedIn).toHaveCount(0);
  await page.keyboard.press("Control+k");
  await expect(page.getByLabel("Filter")).toBeFocused();
  await press(page.getByRole("link", { name: "Settings" }));
  await press(page.getByRole("button", { name: "Pause" }));
  await expect(page.getByRole("button", { name: "Resume" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByText("Token sharing is resumed.")).toBeVisible();

  await press(page.getByRole("link", { name: "Connections" }));
  await press(page.getByRole("button", { name: "Disconnect Demo" }));
  await tabTo(page, page.getByRole("button", { name: "Disconnect", exact: true }));
  await page.keyboard.press("Enter");
  await expect(page.getByText("The provider revoked its tokens.")).toBeVisible();
  await expect(page.getByText("Not connected")).toBeVisible();
});
