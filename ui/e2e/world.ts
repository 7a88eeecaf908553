// The agent and the provider, as a test sets them up; everything is taken away again before each test.
import { execFile } from "node:child_process";
import { mkdtemp, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test as base, type Locator, type Page } from "@playwright/test";

function given(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set; the stage is set by tests/tests/it/page.rs`);
  return value;
}

export const AGENT = given("VALETKEY_UI_AGENT");
const KEY = given("VALETKEY_UI_KEY");
const SOCKET = given("VALETKEY_UI_SOCKET");
const STAGE = given("VALETKEY_UI_STAGE");
export const PROVIDER = given("VALETKEY_UI_PROVIDER");

/** Of one request: longer than any wait that is asked for. */
const REQUEST_MS = 60_000;

async function json<T>(reply: Response): Promise<T> {
  const text = await reply.text();
  if (!reply.ok) throw new Error(`${reply.url}: ${reply.status} ${text}`);
  return (text === "" ? null : JSON.parse(text)) as T;
}

const limit = (): { signal: AbortSignal } => ({ signal: AbortSignal.timeout(REQUEST_MS) });

/** Of the key with which the page comes in. */
const KEY_NAME = "ui";

const SCRIPT = `
import socket, sys
link = socket.socket(socket.AF_UNIX)
link.connect(sys.argv[1])
path = "/api/v1/credentials/connections/" + sys.argv[2] + "/token"
link.sendall(f"POST {path} HTTP/1.1\\r\\nHost: localhost\\r\\nContent-Length: 0\\r\\n\\r\\n".encode())
print(link.recv(100).split()[1].decode())
`;

interface Answer {
  status: number;
  text: string;
}

/** A request to the socket. */
function send(method: string, path: string, body: string | null): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = body === null ? {} : { "content-type": "application/json" };
    const sent = request({ socketPath: SOCKET, method, path, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (piece: string) => (text += piece));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
      response.on("error", reject);
    });
    sent.on("error", reject);
    sent.end(body ?? undefined);
  });
}

interface Named {
  id: string;
  name: string;
}

export class World {
  /** Of scripts: one name is one program. */
  #folder: string | null = null;

  agent<T>(method: string, path: string, body?: unknown): Promise<T> {
    const headers = { Authorization: `Bearer ${KEY}`, "content-type": "application/json" };
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    return fetch(`${AGENT}/api/v1/${path}`, { method, headers, ...sent, ...limit() }).then((reply) => json<T>(reply));
  }

  /** As a program at the socket, for what a client key may not do. */
  socket<T>(method: string, path: string, body?: unknown): Promise<T> {
    return send(method, `/api/v1/${path}`, body === undefined ? null : JSON.stringify(body)).then(
      ({ status, text }) => {
        if (status >= 300) throw new Error(`${path}: ${status} ${text}`);
        return JSON.parse(text) as T;
      },
    );
  }

  /** A Python script with this name asks for a token; answers the status. */
  async script(name: string, connection: string): Promise<number> {
    this.#folder ??= await mkdtemp(join(tmpdir(), "valetkey-"));
    const file = join(this.#folder, name);
    await writeFile(file, SCRIPT);
    const { stdout } = await promisify(execFile)("python3", [file, SOCKET, connection]);
    return Number(stdout.trim());
  }

  provider<T>(method: string, path: string, body: unknown = {}): Promise<T> {
    const headers = { "content-type": "application/json" };
    const sent = method === "GET" ? {} : { body: JSON.stringify(body) };
    return fetch(`${PROVIDER}/_control/${path}`, { method, headers, ...sent, ...limit() }).then((reply) =>
      json<T>(reply),
    );
  }

  /** What a page cannot do: lock the keychain, `kill -9` the agent; `restore` undoes both. */
  async stage(deed: "lock" | "kill" | "restore"): Promise<void> {
    await fetch(`${STAGE}/${deed}`, { method: "POST", ...limit() });
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
    await this.socket("PATCH", "settings", { access_policy: "ask" });
    const { clients } = await this.socket<{ clients: Named[] }>("GET", "clients");
    for (const { id, name } of clients) if (name !== KEY_NAME) await this.socket("DELETE", `clients/${id}`);
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
    { profile = "default", redirect_uri = "http://127.0.0.1/callback", api_hosts = [] as string[] } = {},
  ): Promise<string> {
    const body = {
      authenticator_type: type,
      name,
      client_id: "demo-confidential",
      client_secret: "demo-secret",
      scopes,
      // Any port: one that is fixed may be busy, here as anywhere.
      redirect_uri,
      api_hosts,
      issuer: PROVIDER,
      authorize_url: `${PROVIDER}/authorize`,
      token_url: `${PROVIDER}/token`,
      device_authorization_url: `${PROVIDER}/device_authorization`,
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

  /** A sign-in without the window that the person denies. */
  async deny(authenticator: string): Promise<void> {
    const started = await this.agent<{ authorize_url: string; session_id: string }>("POST", "credentials/connections", {
      authenticator,
    });
    await this.provider("PATCH", "settings", { consent: "deny" });
    await fetch(started.authorize_url);
    await this.agent("GET", `credentials/sessions/${started.session_id}?wait=20`);
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

  /** A request through the proxy; answers the status. */
  async proxied(path: string): Promise<number> {
    const headers = { "X-Valet-Key": KEY };
    return (await fetch(`${AGENT}/proxy/${path}`, { headers, ...limit() })).status;
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

/** The page may do what the window of the desktop app may: see who has access, and change it. */
export async function asWindow(page: Page): Promise<void> {
  await page.route(/\/api\/v1\/(rules|approvals|clients|settings)\b/, async (route) => {
    const asked = route.request();
    const { pathname, search } = new URL(asked.url());
    const { status, text } = await send(asked.method(), pathname + search, asked.postData());
    await route.fulfill({ status, contentType: "application/json", body: text });
  });
}

/** Clicks, and answers the page of the provider that opens. */
export async function opening(page: Page, click: () => Promise<void>): Promise<Page> {
  const [opened] = await Promise.all([page.context().waitForEvent("page"), click()]);
  return opened;
}

/** `demo` is to be renewed, and grace signs in instead of ada; answers the dialog that explains it. */
export async function anotherAccount(page: Page, world: World): Promise<Locator> {
  await world.authenticator("Demo");
  await world.signIn("demo");
  await page.goto("/");
  await world.consent("grace");
  await page.getByRole("button", { name: "More for Demo" }).click();
  await opening(page, () => page.getByRole("menuitem", { name: "Sign in again" }).click());
  await page.bringToFront();
  return page.getByRole("dialog", { name: "Another account signed in" });
}
