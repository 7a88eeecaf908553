// The form and the set-up steps of providers that differ: see look.ts.
import { expect, test } from "./look";

// Screenshots are enough.
test.use({ trace: "off" });

for (const provider of ["google", "github", "microsoft", "slack", "atlassian", "salesforce"]) {
  test(`the set-up of ${provider}`, async ({ page, look }) => {
    await page.goto(`/#/add/${provider}`);
    const steps = page.getByRole("complementary", { name: "One-time set-up" }).getByRole("listitem");
    await expect(steps.first()).toBeVisible();
    await look("set-up");
  });
}

test("all that a form can hold", async ({ page, look }) => {
  await page.goto("/#/add/custom");
  await page.getByLabel("How it gets tokens").selectOption("token_exchange");
  await page.getByLabel("Type of token that the exchange brings").scrollIntoViewIfNeeded();
  await look("exchange");
  await page.getByLabel("Tokens bound to a key (DPoP)").selectOption("required");
  await page.getByLabel("Hosts of its API").scrollIntoViewIfNeeded();
  await look("end");
});
