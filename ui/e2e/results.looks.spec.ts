// The pages that the browser shows at the end of a sign-in, and behind a link of the agent: see look.ts.
import type { Page } from "@playwright/test";
import { expect, test } from "./look";
import { AGENT, type World } from "./world";

// Screenshots are enough.
test.use({ trace: "off" });

async function begin(world: World, authenticator: string): Promise<string> {
  const body = { authenticator };
  const started = await world.agent<{ authorize_url: string }>("POST", "credentials/connections", body);
  return started.authorize_url;
}

/** The provider's page is answered with this button. */
async function answer(page: Page, world: World, authenticator: string, button: string): Promise<void> {
  await page.goto(await begin(world, authenticator));
  await page.locator(button).click();
}

test("the end of a sign-in", async ({ page, world, look }) => {
  await world.authenticator("GitHub", "github");
  await answer(page, world, "github", "#allow");
  await expect(page.getByRole("heading", { name: "Signed in" })).toBeVisible();
  await look("result-ok");
  const redirect = new URL(await begin(world, "github")).searchParams.get("redirect_uri") ?? "";
  await page.goto(`${redirect}?code=1&state=wrong`);
  await expect(page.getByRole("heading", { name: "This sign-in is over" })).toBeVisible();
  await look("result-over");
  await page.goto(new URL("/elsewhere", redirect).href);
  await expect(page.getByRole("heading", { name: "No sign-in at this address" })).toBeVisible();
  await look("result-elsewhere");
  await answer(page, world, "github", "#deny");
  await expect(page.getByRole("heading", { name: "Access was not granted" })).toBeVisible();
  await look("result-denied");
  await world.consent("grace");
  await page.goto(await begin(world, "github"));
  await expect(page.getByRole("heading", { name: "Signed in" })).toBeVisible();
  await look("result-other-account");
  await world.consent("linus", ["openid"]);
  await page.goto(await begin(world, "github"));
  await expect(page.getByText("did not grant everything")).toBeVisible();
  await look("result-missing-scopes");
  const wrong = await world.authenticator("Wrong secret");
  await world.agent("PATCH", `oauth/authenticators/${wrong}`, { client_secret: "wrong" });
  await world.consent("ada");
  await page.goto(await begin(world, "wrong-secret"));
  await expect(page.getByRole("heading", { name: "Sign-in failed" })).toBeVisible();
  await look("result-failed");
});

test("a sign-in link that has expired", async ({ page, look }) => {
  await page.goto(`${AGENT}/connect/0123456789abcdefghij`);
  await expect(page.getByRole("heading")).toBeVisible();
  await look("link-expired");
});
