// From an empty window to the first token of a GitHub authenticator: what it takes with the mouse alone (and the
// keys that type into a field), and with the keyboard alone. The demo provider answers at GitHub's addresses.
import type { Locator, Page } from "@playwright/test";
import { expect, opening, PROVIDER, test, type World } from "./world";

/** Actions that are allowed: a click, a field that is filled in, a press of Tab or Enter. */
const MOST = { mouse: 8, keyboard: 45 };

/** The catalogue's addresses lead to the demo provider. */
async function atDemoProvider(page: Page): Promise<void> {
  const addresses = {
    authorize_url: `${PROVIDER}/authorize`,
    token_url: `${PROVIDER}/token`,
    userinfo_url: `${PROVIDER}/userinfo`,
    revocation_url: `${PROVIDER}/revoke`,
  };
  await page.route("**/api/v1/oauth/authenticators?*", (route) => {
    if (route.request().method() !== "POST") return route.fallback();
    const body = route.request().postDataJSON() as Record<string, unknown>;
    return route.fallback({ postData: { ...body, ...addresses, issuer: PROVIDER } });
  });
}

class Person {
  actions = 0;
  readonly #began = Date.now();

  constructor(private readonly page: Page) {}

  async click(target: Locator): Promise<void> {
    this.actions += 1;
    await target.click();
  }

  async paste(target: Locator, text: string): Promise<void> {
    this.actions += 2;
    await target.click();
    await this.page.keyboard.insertText(text);
  }

  async press(key: string): Promise<void> {
    this.actions += 1;
    await this.page.keyboard.press(key);
  }

  async tabTo(target: Locator): Promise<void> {
    await target.waitFor();
    for (let count = 0; count < 40; count++) {
      if (await target.evaluate((node) => node === document.activeElement)) return;
      await this.press("Tab");
    }
    throw new Error("Tab does not get there");
  }

  report(how: keyof typeof MOST): void {
    const seconds = (Date.now() - this.#began) / 1000;
    console.log(`first token by ${how}, figures:`, JSON.stringify({ actions: this.actions, seconds }));
    expect(this.actions).toBeLessThanOrEqual(MOST[how]);
  }
}

async function hasToken(page: Page, world: World): Promise<void> {
  await expect(page.getByText("Connected", { exact: true })).toBeVisible();
  expect((await world.token("github")).access_token).not.toBe("");
}

test("by mouse", async ({ page, world }) => {
  await atDemoProvider(page);
  await page.goto("/");
  const person = new Person(page);
  await person.click(page.getByRole("link", { name: /Connect an account/ }));
  await person.click(page.getByRole("button", { name: "GitHub", exact: true }));
  await person.paste(page.getByLabel("Client ID"), "demo-confidential");
  await person.paste(page.getByLabel("Client secret"), "demo-secret");
  const provider = await opening(page, () => person.click(page.getByRole("button", { name: "Save and connect" })));
  await person.click(provider.locator("#allow"));
  await hasToken(page, world);
  person.report("mouse");
});

test("by keyboard", async ({ page, world }) => {
  await atDemoProvider(page);
  await page.goto("/");
  const person = new Person(page);
  const press = async (target: Locator): Promise<void> => {
    await person.tabTo(target);
    await person.press("Enter");
  };
  const paste = async (target: Locator, text: string): Promise<void> => {
    await person.tabTo(target);
    await page.keyboard.insertText(text);
  };
  await press(page.getByRole("link", { name: /Connect an account/ }));
  await press(page.getByRole("button", { name: "GitHub", exact: true }));
  await paste(page.getByLabel("Client ID"), "demo-confidential");
  await paste(page.getByLabel("Client secret"), "demo-secret");
  await world.consent("ada");
  await opening(page, () => press(page.getByRole("button", { name: "Save and connect" })));
  await page.bringToFront();
  await hasToken(page, world);
  person.report("keyboard");
});
