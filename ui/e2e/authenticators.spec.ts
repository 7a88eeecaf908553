import { expect, test } from "./world";

test("a half-filled form survives a look elsewhere", async ({ page }) => {
  await page.goto("/#/add/github");
  await page.getByLabel("Client ID").fill("Ov23li");
  await page.getByRole("link", { name: "Activity" }).click();
  await page.getByRole("heading", { name: "Activity" }).waitFor();
  await page.goBack();
  await expect(page.getByLabel("Client ID")).toHaveValue("Ov23li");
});

test("an empty window adds an authenticator of any provider", async ({ page }) => {
  await page.goto("/");
  await page.getByRole("link", { name: "Add authenticator" }).waitFor();
  await page.getByRole("link", { name: /Connect an account/ }).click();
  const github = page.getByRole("button", { name: "GitHub", exact: true });
  await github.click();
  await expect(github).toHaveAttribute("aria-pressed", "true");
  await expect(page.getByText("One-time set-up at GitHub")).toBeVisible();
  await expect(page.getByLabel("Name", { exact: true })).toHaveValue("github");
});

test("a provider is found by the name of a product, and one that nobody knows is custom", async ({ page }) => {
  await page.goto("/#/add");
  await page.getByLabel("Find a provider").fill("jira");
  await page.getByRole("button", { name: "Atlassian", exact: true }).click();
  await expect(page.getByText("One-time set-up at Atlassian")).toBeVisible();
  await expect(page.getByText("http://localhost:4316/callback/atlassian").first()).toBeVisible();
  await expect(page.getByRole("list", { name: "Providers" }).getByRole("button")).toHaveCount(2);
  await page.getByLabel("Find a provider").fill("no such thing");
  await page.getByText("No provider matches.").waitFor();
  await page.getByRole("button", { name: "Custom" }).click();
  await expect(page.getByLabel("Token URL")).toBeVisible();
});

test("another provider keeps what fits", async ({ page }) => {
  await page.goto("/#/add/custom");
  await page.getByLabel("Name", { exact: true }).fill("team");
  await page.getByLabel("Client ID").fill("Ov23li");
  await page.getByLabel("Client secret").fill("0123456789abcdef");
  await page.getByLabel("Token URL").fill("https://login.example.com/token");
  const github = page.getByRole("button", { name: "GitHub", exact: true });
  await page.getByRole("button", { name: "Another provider…" }).click();
  await github.click();
  await expect(github).toHaveAttribute("aria-pressed", "true");
  await expect(page.getByLabel("Name", { exact: true })).toHaveValue("team");
  await expect(page.getByLabel("Client ID")).toHaveValue("Ov23li");
  await expect(page.getByLabel("Client secret")).toHaveValue("0123456789abcdef");
  await page.getByRole("button", { name: "Another provider…" }).click();
  await page.getByRole("button", { name: "Custom" }).click();
  await expect(page.getByLabel("Token URL")).toHaveValue("https://login.example.com/token");
});

test("messages have their line, and the first faulty field is in view with its label", async ({ page }) => {
  await page.setViewportSize({ width: 640, height: 480 });
  await page.goto("/#/add/github");
  const top = async (label: string): Promise<number> => (await page.getByLabel(label).boundingBox())?.y ?? 0;
  const distance = async (): Promise<number> => (await top("Client secret")) - (await top("Client ID"));
  const before = await distance();
  await page.getByLabel("Client ID").fill("Ov23 li");
  await page.getByText("It contains a space.").waitFor();
  expect(await distance()).toBe(before);
  await page.getByLabel("Client ID").fill("");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByText("Enter the client ID.").waitFor();
  await expect(page.getByLabel("Client ID")).toBeFocused();
  await expect(page.getByText("Client ID", { exact: true })).toBeInViewport({ ratio: 1 });
});

test("suggested scopes come after the field", async ({ page }) => {
  await page.goto("/#/add/github");
  await page.getByLabel("Add scopes").focus();
  await page.keyboard.press("Tab");
  await expect(page.locator("fieldset button").first()).toBeFocused();
});

test("Google's file fills the form", async ({ page }) => {
  await page.goto("/#/add");
  const file = {
    installed: {
      client_id: "1.apps.googleusercontent.com",
      client_secret: "GOCSPX-x",
      auth_uri: "https://a",
      token_uri: "https://t",
    },
  };
  await page.getByLabel("File to import").setInputFiles({
    name: "client_secret_1.json",
    mimeType: "application/json",
    buffer: Buffer.from(JSON.stringify(file)),
  });
  await expect(page.getByLabel("Client ID")).toHaveValue("1.apps.googleusercontent.com");
  await expect(page.getByRole("button", { name: "Google", exact: true })).toHaveAttribute("aria-pressed", "true");
});

test("a dropped file of ours leaves its variables to the person", async ({ page }) => {
  await page.goto("/#/add");
  await page.getByRole("heading", { name: "Add authenticator" }).waitFor();
  const text = JSON.stringify({
    name: "Hub",
    authenticator_type: "github",
    app_id: "Iv1.x",
    client_secret: "${HUB_SECRET}",
    scopes: ["repo"],
  });
  await page.evaluate((text) => {
    const carried = new DataTransfer();
    carried.items.add(new File([text], "hub.json", { type: "application/json" }));
    window.dispatchEvent(new DragEvent("drop", { dataTransfer: carried, cancelable: true }));
  }, text);
  await expect(page.getByLabel("Client ID")).toHaveValue("Iv1.x");
  await expect(page.getByText("names the environment variable HUB_SECRET")).toBeVisible();
  await page.getByLabel("Client secret").fill("0123456789abcdef");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByText("Hub is saved.")).toBeVisible();
});

test("a file takes the place of a half-filled form only if that is wanted", async ({ page }) => {
  await page.goto("/#/add/github");
  await page.getByLabel("Client ID").fill("Ov23li");
  const file = { installed: { client_id: "1.apps.googleusercontent.com", client_secret: "GOCSPX-x" } };
  const read = {
    name: "client_secret_1.json",
    mimeType: "application/json",
    buffer: Buffer.from(JSON.stringify(file)),
  };
  const dialog = page.getByRole("dialog", { name: "Replace what is in the form" });
  await page.getByLabel("File to import").setInputFiles(read);
  await dialog.getByRole("button", { name: "Keep it" }).click();
  await expect(dialog).toBeHidden();
  await expect(page.getByLabel("Client ID")).toHaveValue("Ov23li");
  await page.getByLabel("File to import").setInputFiles(read);
  await dialog.getByRole("button", { name: "Replace" }).click();
  await expect(page.getByLabel("Client ID")).toHaveValue("1.apps.googleusercontent.com");
  await expect(page.getByText("client_secret_1.json is read.")).toBeVisible();
});

test("an authenticator is changed, disabled and removed", async ({ page, world }) => {
  await world.authenticator("Demo");
  await world.signIn("demo");
  await page.goto("/");
  await page.getByRole("button", { name: "More for Demo" }).click();
  await page.getByRole("menuitem", { name: "Edit authenticator…" }).click();
  await expect(page.getByText("in use by demo")).toBeVisible();
  await page.getByLabel("Client secret").fill("demo-secret");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByText("Demo is saved.")).toBeVisible();
  await page.getByRole("button", { name: "Disable" }).click();
  await expect(page.getByText(/Demo is disabled/)).toBeVisible();
  await page.getByRole("button", { name: "Remove…" }).click();
  const dialog = page.getByRole("dialog", { name: "Remove Demo" });
  await expect(dialog.getByText("demo", { exact: true })).toBeVisible();
  await dialog.getByRole("button", { name: "Disconnect and remove" }).click();
  await expect(page.getByText("No connections yet.")).toBeVisible();
});
