import { expect, test } from "./world";

const MANY = 200;

test("two hundred connections are listed, scrolled and searched", async ({ page, world }) => {
  test.setTimeout(180_000);
  const accounts = Array.from({ length: MANY }, (_, index) => ({ id: `person${index}`, name: `Person ${index}` }));
  await world.provider("PATCH", "settings", { accounts });
  await world.authenticator("Demo");
  for (const [index, { id }] of accounts.entries())
    await world.signIn("demo", id, index === 0 ? undefined : `n${index}`);

  await page.goto("/#/settings");
  await page.getByText("Storage and addresses").waitFor();
  const painted = await page.evaluate(async () => {
    const start = performance.now();
    document.querySelector<HTMLAnchorElement>('nav a[href="#/connections"]')?.click();
    await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
    return { ms: performance.now() - start, rows: document.querySelectorAll("main li").length };
  });
  expect(painted.rows).toBe(MANY);

  const scroll = await page.evaluate(async () => {
    const main = document.querySelector("main");
    const frames: number[] = [];
    let last = performance.now();
    for (let step = 0; step < 90; step++) {
      main?.scrollBy(0, 120);
      await new Promise(requestAnimationFrame);
      const now = performance.now();
      frames.push(now - last);
      last = now;
    }
    return frames.sort((a, b) => a - b);
  });

  const typing: number[] = [];
  await page.getByLabel("Search").focus();
  for (const letter of "person123") {
    typing.push(
      await page.evaluate(async (letter) => {
        const input = document.activeElement as HTMLInputElement;
        const start = performance.now();
        input.value += letter;
        input.dispatchEvent(new InputEvent("input", { bubbles: true }));
        await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
        return performance.now() - start;
      }, letter),
    );
  }
  await expect(page.locator("main li")).toHaveCount(1);

  const at = (share: number): number => Math.round(scroll[Math.floor(scroll.length * share)] ?? 0);
  const figures = {
    list_ms: Math.round(painted.ms),
    frame_p50_ms: at(0.5),
    frame_p95_ms: at(0.95),
    longest_key_ms: Math.round(Math.max(...typing)),
  };
  console.log(`${MANY} connections in Chromium, figures:`, JSON.stringify(figures));
});
