// Pictures of what is on the screen, light and dark, in a small and in a usual window: axe finds nothing, nothing
// overflows, and the picture is in test-results.
import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { expect, test as base } from "./world";

const SIZES = [
  { width: 640, height: 480 },
  { width: 1040, height: 700 },
];
const SCHEMES = ["light", "dark"] as const;

/** `again` opens anew what a new size of the window closes; `shown` is looked at instead of the page. */
type Look = (name: string, again?: () => Promise<void>, shown?: Page) => Promise<void>;

export const test = base.extend<{ look: Look }>({
  async look({ page }, use, info) {
    await use(async (name, again, shown = page) => {
      for (const size of SIZES) {
        await shown.setViewportSize(size);
        await again?.();
        for (const colorScheme of SCHEMES) {
          await shown.emulateMedia({ colorScheme, reducedMotion: "reduce" });
          const title = `${name}-${size.width}-${colorScheme}`;
          await shown.screenshot({ path: info.outputPath(`${title}.png`) });
          expect.soft(await beyond(shown), title).toEqual([]);
          expect.soft(await axe(shown), title).toEqual([]);
        }
      }
    });
  },
});

async function axe(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ html, any }) => `${html} ${any[0]?.message ?? ""}`).join("\n")}`,
  );
}

/** What sticks out: sideways of the page or a dialog, or anyhow of the window. */
function beyond(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const wide = [document.documentElement, ...document.querySelectorAll("main, dialog[open], nav")];
    const scrolled = wide.filter((node) => node.scrollWidth > node.clientWidth + 1);
    const floating = [...document.querySelectorAll("dialog[open], :popover-open, .notice")].filter((node) => {
      const { left, top, right, bottom } = node.getBoundingClientRect();
      return left < 0 || top < 0 || right > innerWidth || bottom > innerHeight;
    });
    return [...scrolled, ...floating].map((node) => `${node.tagName} ${node.className}`);
  });
}

export { expect };
