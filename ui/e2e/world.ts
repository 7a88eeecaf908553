// The agent and the provider, as a test sets them up; everything is taken away again before each test.
import { expect, test as base, type Page } from "@playwright/test";

function given(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set; the stage is set by tests/tests/it/page.rs`);
  return value;
}

export const AGENT = given("VALETKEY_UI_AGENT");
const KEY = given("VALETKEY_UI_KEY");
const STAGE = given("VALETKEY_UI_STAGE");
export const PROVIDER = given("VALETKEY_UI_PROVIDER");

async function json<T>(reply: Response): Promise<T> {
  const text = await reply.text();
  if (!reply.ok) throw new Error(`${reply.url}: ${reply.status} ${text}`);
  return (text === "" ? null : JSON.parse(text)) as T;
}

interface Named {
  id: string;
  name: string;
}

export class World {
  agent<T>(method: string, path: string, body?: unknown): Promise<T> {
    const headers = { Authorization: `Bearer ${KEY}`, "content-type": "application/json" };
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    return fetch(`${AGENT}/api/v1/${path}`, { method, headers, ...sent }).then((reply) => json<T>(reply));
  }

  provider<T>(method: string, path: string, body: unknown = {}): Promise<T> {
    const headers = { "content-type": "application/json" };
    const sent = method === "GET" ? {} : { body: JSON.stringify(body) };
    return fetch(`${PROVIDER}/_control/${path}`, { method, headers, ...sent }).then((reply) => json<T>(reply));
  }

  /** What a page cannot do: lock the keychain, `kill -9` the agent; `restore` undoes both. */
  async stage(deed: "lock" | "kill" | "restore"): Promise<void> {
    await fetch(`${STAGE}/${deed}`, { method: "POST" });
  }

  async clean(): Promise<void> {
    await this.stage("restore");
    await this.agent("POST", "resume");
    const notifications = { needs_you: true, ends_soon: true, sign_in: true, quiet_hours: null };
    await this.agent("PATCH", "settings?force=true", {
      notifications,
      port: null,
      log_level: "info",
      keep_warm: "when_used",
    });
    const { authenticators } = await this.agent<{ authenticators: Named[] }>("GET", "oauth/authenticators");
    for (const { id } of authenticators) await this.agent("DELETE", `oauth/authenticators/${id}?force=true`);
    await this.provider("POST", "reset");
    await this.provider("PATCH", "settings", { consent: "ask" });
  }

  /** An authenticator at the demo provider, shown as one of the catalogue. */
  async authenticator(
    name: string,
    type = "custom",
    scopes = ["openid", "email"],
    { profile = "default", redirect_uri = "http://127.0.0.1/callback" } = {},
  ): Promise<string> {
    const body = {
      authenticator_type: type,
      name,
      client_id: "demo-confidential",
      client_secret: "demo-secret",
      scopes,
      // Any port: one that is fixed may be busy, here as anywhere.
      redirect_uri,
      issuer: PROVIDER,
      authorize_url: `${PROVIDER}/authorize`,
      token_url: `${PROVIDER}/token`,
      userinfo_url: `${PROVIDER}/userinfo`,
      revocation_url: `${PROVIDER}/revoke`,
    };
    const saved = await this.agent<{ authenticator: Named }>("POST", `oauth/authenticators?profile=${profile}`, body);
    return saved.authenticator.id;
  }

  /** From now on the provider consents automatically. */
  async consent(account: string, scopes: string[] | null = null): Promise<void> {
    await this.provider("PATCH", "settings", { consent: { allow: { account, scopes } } });
  }

  /** Signs in without the window; answers the connection's id. */
  async signIn(authenticator: string, who = "ada", account?: string, profile = "default"): Promise<string> {
    await this.consent(who);
    const body = { authenticator, profile, ...(account === undefined ? {} : { account }) };
    const started = await this.agent<{ authorize_url: string; session_id: string }>(
      "POST",
      "credentials/connections",
      body,
    );
    await fetch(started.authorize_url);
    const ended = await this.agent<{ state: string; connection: Named }>(
      "GET",
      `credentials/sessions/${started.session_id}?wait=20`,
    );
    if (ended.state !== "completed") throw new Error(`sign-in ${ended.state}`);
    await this.provider("PATCH", "settings", { consent: "ask" });
    return ended.connection.id;
  }

  /** As a program does. */
  token(connection: string, refresh = false): Promise<{ access_token: string }> {
    return this.agent(
      "POST",
      `credentials/connections/${encodeURIComponent(connection)}/${refresh ? "refresh" : "token"}`,
      {},
    );
  }

  /** Its next refreshes fail like this, and one is asked for. */
  async refuse(connection: string, fault: Record<string, unknown>): Promise<void> {
    await this.provider("POST", "faults", { endpoint: "token", grant: "refresh_token", times: 2, fault });
    await this.token(connection, true).catch(() => undefined);
    await this.provider("DELETE", "faults");
  }

  /** The person takes it back at the provider, and the agent notices. */
  async lose(connection: string, who = "ada"): Promise<void> {
    await this.provider("POST", "revoke", { account: who });
    await this.token(connection, true).catch(() => undefined);
  }
}

export const test = base.extend<{ world: World }>({
  world: [
    async ({}, use) => {
      const world = new World();
      await world.clean();
      await use(world);
    },
    { auto: true },
  ],
  page: async ({ page }, use) => {
    const broken: string[] = [];
    page.on("pageerror", (error) => broken.push(error.message));
    page.on("console", (message) => {
      if (/Content.Security.Policy|violates/i.test(message.text())) broken.push(message.text());
    });
    await use(page);
    expect(broken).toEqual([]);
  },
});

export { expect };

/** Clicks, and answers the page of the provider that opens. */
export async function opening(page: Page, click: () => Promise<void>): Promise<Page> {
  const [opened] = await Promise.all([page.context().waitForEvent("page"), click()]);
  return opened;
}
