// The person in front of the system browser: a Chromium that opens one URL and clicks as scripted.
// Knows the pages of npm `oidc-provider` (a login form, then a button) and of our demo provider (one page).
//
// Usage: node person.mjs PERSON.json VISITS_DIR URL
// PERSON.json: {"login": "ada", "consent": "allow" | "deny" | "leave", "onScreen": false, "chromium": "/usr/bin/chromium"}
// Writes VISITS_DIR/PID.json {url, title, text, trail, status, screenshot} when it has ended, with `error` if the browser
// failed.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const [personFile, visits, url, ...rest] = process.argv.slice(2);
const person = JSON.parse(readFileSync(personFile, 'utf8'));
const ALLOW = /^\s*(sign.?in|log ?in|continue|allow|authorize|approve|connect)\b/i;
const DENY = /\b(deny|cancel|abort|refuse)\b/i;
/** A form that a script submits: there is nothing to fill in or to press. */
const SELF_SUBMITTED = 'body:not(:has(input:not([type=hidden]), button, a)) > form';
const MAX_PAGES = 8;
const TIMEOUT = 30_000;

const userFolder = mkdtempSync(join(tmpdir(), 'person-'));
const visit = { asked: url, extraArguments: rest.length, trail: [] };
let context;
try {
  context = await chromium.launchPersistentContext(userFolder, {
    executablePath: person.chromium,
    headless: !person.onScreen,
    viewport: person.onScreen ? null : undefined,
    chromiumSandbox: process.getuid() !== 0, // Chromium refuses its sandbox as root
    args: [
      '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', '--password-store=basic',
      '--test-type', '--window-position=430,230', '--window-size=800,540', // for the look of it, on a screen
      // Nothing outside this machine is ever asked, not even its name.
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost, EXCLUDE [::1]',
    ],
  });
  const page = context.pages()[0] ?? (await context.newPage());
  page.setDefaultTimeout(TIMEOUT);
  page.on('response', (response) => {
    if (response.request().isNavigationRequest() && response.frame() === page.mainFrame()) visit.status = response.status();
  });
  await page.goto(url, { waitUntil: 'load' });
  for (let step = 0; step < MAX_PAGES; step += 1) {
    const { origin, pathname } = new URL(page.url());
    visit.trail.push(origin + pathname); // without the query: it carries codes
    await page.locator(SELF_SUBMITTED).waitFor({ state: 'detached' });
    const click = await nextClick(page);
    if (!click) break;
    await Promise.all([page.waitForNavigation({ waitUntil: 'load' }), click.click()]);
  }
  Object.assign(visit, { url: page.url(), title: await page.title(), text: await page.innerText('body') });
  visit.screenshot = join(visits, `${process.pid}.png`);
  await page.screenshot({ path: visit.screenshot });
} catch (error) {
  visit.error = String(error?.stack ?? error);
} finally {
  await context?.close();
  rmSync(userFolder, { recursive: true, force: true });
  mkdirSync(visits, { recursive: true });
  const report = join(visits, `${process.pid}.json`);
  writeFileSync(`${report}.part`, JSON.stringify(visit, null, 1));
  renameSync(`${report}.part`, report);
}

// What this person would press on this page, or null when there is nothing left to press.
async function nextClick(page) {
  if (person.consent === 'leave') return null;
  const login = page.locator('form input[name="login"], form input[name="username"], form input[name="email"]').first();
  if (await login.count()) {
    await login.fill(person.login); // whatever login the client has hinted at
    const password = page.locator('input[type="password"]').first();
    if (await password.count()) await password.fill('any password will do');
    return page.locator('form button[type="submit"], form button:not([type])').filter({ hasText: ALLOW }).first();
  }
  const account = page.locator(`form input[type="radio"][name="account"][value="${person.login}"]`);
  if (await account.count()) await account.check({ force: true }); // the picture of it lies on top
  const wanted = person.consent === 'deny' ? DENY : ALLOW;
  const control = page.locator('button, form input[type="submit"], a').filter({ hasText: wanted }).first();
  return (await control.count()) ? control : null;
}
