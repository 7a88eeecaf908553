// Settings, on the page and in the agent.
import { readFile } from "node:fs/promises";
import { expect, test, type World } from "./world";

interface Settings {
  notifications: Record<string, unknown>;
  port: number | null;
  log_level: string;
  keep_warm: string;
}

function stored(world: World): Promise<Settings> {
  return world.agent("GET", "settings");
}

test("each kind of notification has its switch", async ({ page, world }) => {
  await page.goto("/#/settings");
  const soon = page.getByRole("switch", { name: "Notify: Token expires soon" });
  await expect(soon).toBeChecked();
  await soon.focus();
  await page.keyboard.press("Space");
  await expect(soon).not.toBeChecked();
  await expect
    .poll(() => stored(world))
    .toMatchObject({ notifications: { needs_you: true, ends_soon: false, sign_in: true } });
  await expect(soon).toBeFocused();
  // The page follows changes by other clients.
  await world.agent("PATCH", "settings", { notifications: { ends_soon: true } });
  await expect(soon).toBeChecked();
});

test("quiet hours are checked as they are saved", async ({ page, world }) => {
  await page.goto("/#/settings");
  const [from, to] = [page.getByLabel("from", { exact: true }), page.getByLabel("to", { exact: true })];
  await from.fill("22");
  await to.fill("25:00");
  await page.getByRole("button", { name: "Save quiet hours" }).click();
  await expect(page.getByText("Write a time of day, like 22:00.")).toBeVisible();
  await expect(to).toBeFocused();
  // A half-filled form survives switching pages.
  await page.getByRole("link", { name: "Activity" }).click();
  await page.getByRole("link", { name: "Settings" }).click();
  await expect(to).toHaveValue("25:00");
  await to.fill("7:30");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Save quiet hours" }).click();
  await expect(page.getByText("Quiet from 22:00 to 07:30.")).toBeVisible();
  await expect(from).toHaveValue("22:00");
  expect((await stored(world)).notifications.quiet_hours).toEqual({ from: "22:00", to: "07:30" });
  await page.getByRole("button", { name: "No quiet hours" }).click();
  await expect(from).toHaveValue("");
  expect((await stored(world)).notifications.quiet_hours).toBeNull();
});

test("port, log level and keeping warm are the agent's", async ({ page, world }) => {
  await page.goto("/#/settings");
  const port = page.getByLabel("Port", { exact: true });
  await port.fill("80");
  await page.getByRole("button", { name: "Save the port" }).click();
  await expect(page.getByText("A port is a number from 1024 to 65535.")).toBeVisible();
  await port.fill("5123");
  await page.getByRole("button", { name: "Save the port" }).click();
  await expect(page.getByText(/^Client keys are used at port \d+/)).toBeVisible();
  await page.getByRole("button", { name: "Change it anyway" }).click();
  await expect(page.getByText("5123 after the next start", { exact: false }).first()).toBeVisible();
  const level = page.getByLabel("What is logged");
  await level.focus();
  await level.selectOption({ label: "Warnings" });
  await expect(page.getByText("Saved.")).toBeVisible();
  await expect(level).toBeFocused();
  await page.getByLabel("Tokens of new connections").selectOption({ label: "Before they expire" });
  await expect.poll(() => stored(world)).toMatchObject({ port: 5123, log_level: "warn", keep_warm: "always" });
});

test("authenticators are taken elsewhere in a file without secrets", async ({ page, world }) => {
  await world.authenticator("Demo");
  await world.authenticator("GitHub", "github", ["repo"]);
  const open = await world.agent<{ authenticator: { id: string } }>("POST", "oauth/authenticators", {
    authenticator_type: "custom",
    name: "Open",
    client_id: "public",
    authorize_url: "https://a.test/authorize",
    token_url: "https://a.test/token",
  });
  await world.agent("PATCH", `oauth/authenticators/${open.authenticator.id}`, { is_active: false });
  await page.goto("/#/settings");
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Export", exact: true }).click(),
  ]);
  expect(download.suggestedFilename()).toBe("valetkey-authenticators.json");
  const file = await download.path();
  const text = await readFile(file, "utf8");
  expect(text).not.toContain("demo-secret");
  expect(text).toContain("${GITHUB_CLIENT_SECRET}");

  await world.clean();
  const chooser = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: "Import…" }).click();
  await (await chooser).setFiles({ name: "export.json", mimeType: "application/json", buffer: Buffer.from(text) });
  const list = page.getByRole("region", { name: "From the file" });
  await expect(list.getByText("Needs its client secret.")).toHaveCount(2);
  await list.getByRole("button", { name: "Add the one that is ready" }).click();
  await expect(list.getByText("Already added.")).toHaveCount(1);
  await list.getByRole("button", { name: "Review GitHub" }).click();
  await page.getByLabel("Client secret").fill("demo-secret");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(list.getByText("Already added.")).toHaveCount(2);
  const { authenticators } = await world.agent<{
    authenticators: { name: string; is_active: boolean; own_endpoints: { token_url: string | null } }[];
  }>("GET", "oauth/authenticators");
  expect(authenticators.map(({ name, is_active }) => [name, is_active])).toEqual([
    ["github", true],
    ["open", false],
  ]);
  expect(authenticators[1]?.own_endpoints.token_url).toBe("https://a.test/token");
});
