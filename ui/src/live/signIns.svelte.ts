// Pending sign-ins, begun here or elsewhere (a terminal, a local link). The agent's events say when one
// changes; its state is then read again.
import { api, ask } from "../api/client";
import { Failure } from "../api/failure";
import type { Connection, DevicePrompt, LogEvent, SignIn } from "../api/types";
import { backend } from "../backend";
import { failures } from "./failures.svelte";
import { live } from "./live.svelte";
import { notices } from "./notices.svelte";
import { spelled } from "../words/scopes";
import { profiles } from "./profiles.svelte";

export interface Pending {
  session: string;
  authenticatorId: string;
  /** The connection that is renewed; null: a new account, or unknown. */
  connection: string | null;
  expiresAt: string;
  /** The provider sent a code, which is being exchanged. */
  authorized: boolean;
  /** Began in this window. */
  own: boolean;
  /** It needs no person and ends by itself. */
  direct: boolean;
  /** Set for sign-ins of this window only, like `browserProblem`; null if nobody is needed. */
  url: string | null;
  /** Its address changes (RFC 9126). */
  pushed?: boolean;
  /** What the person enters at the provider, in whichever browser. */
  device: DevicePrompt | null;
  /** Why a program asks: untrusted text. */
  reason: string | null;
  browserProblem: Failure | null;
}

export interface Target {
  authenticatorId: string;
  connection?: Connection | undefined;
  /** Exactly these are asked for; absent: those that it has and those of the authenticator. */
  scopes?: string[];
  /** Why. */
  reason?: string | undefined;
  /** Takes the place of the connection, whoever signs in. */
  replace?: boolean;
  /** With a code instead of the browser of this machine. */
  device?: boolean;
}

/** An account that signed in where another was to be renewed. */
export interface OtherAccount {
  connection: Connection;
  insteadOf: string;
}

const TIMED_OUT = new Failure({
  code: "timed_out",
  message: "nobody finished the sign-in in time",
  hint: "connect again when you are at the browser",
});

/** A sign-in takes at most ten minutes. */
const MAX_AGE_MS = 11 * 60_000;

/** The connection that a sign-in with a label renews. */
function labelled({ authenticator_id: through, account }: SignIn): string | null {
  if (account === null) return null;
  return live.connections.find((one) => one.authenticator_id === through && one.account.label === account)?.id ?? null;
}

/** The row of a sign-in. Without a label it renews the only connection that needs it, if there is one. */
function rowOf({ connection, authenticatorId }: Pick<Pending, "connection" | "authenticatorId">): string {
  const lost = live.connections.filter(
    ({ authenticator_id, status }) => authenticator_id === authenticatorId && status === "needs_reconnect",
  );
  return connection ?? (lost.length === 1 ? lost[0]?.id : undefined) ?? authenticatorId;
}

class SignIns {
  list = $state.raw<Pending[]>([]);
  /** Until the person has read it. */
  other = $state.raw<OtherAccount | null>(null);
  /** Responses may arrive out of order: an ended sign-in stays ended. */
  readonly #ended = new Set<string>();

  start(): () => void {
    const stops = [live.onEvent((event) => this.#handle(event)), live.onResumed(() => void this.#resume())];
    return () => stops.forEach((stop) => stop());
  }

  /** A failure is shown in the row. */
  begin(target: Target): Promise<void> {
    return failures.attempt(target.connection?.id ?? target.authenticatorId, () => this.#begin(target));
  }

  async #begin({
    authenticatorId,
    connection,
    scopes,
    reason,
    replace = false,
    device = false,
  }: Target): Promise<void> {
    const account = connection?.account.label ?? null;
    const body = {
      authenticator: authenticatorId,
      replace,
      method: device ? ("device" as const) : ("browser" as const),
      ...(account === null ? {} : { account }),
      ...(scopes ? { scopes, only_scopes: true } : {}),
      ...(reason ? { reason } : {}),
    };
    const started = await ask(api.POST("/api/v1/credentials/connections", { body }));
    const view = await this.#ask(started.session_id);
    this.#put(view, { own: true, url: started.authorize_url ?? null, connection: connection?.id ?? null });
    if (!device) await this.openBrowser(started.session_id);
  }

  /** Without a browser the address is shown instead. */
  async openBrowser(session: string): Promise<void> {
    const find = (): Pending | undefined => this.list.find((one) => one.session === session);
    // The address of a pushed request changes.
    if (find()?.pushed) await this.#update(session);
    const url = find()?.url;
    if (!url) return;
    let browserProblem: Failure | null = null;
    try {
      await backend.openUrl(url);
    } catch (thrown) {
      browserProblem = Failure.of(thrown);
    }
    this.list = this.list.map((one) => (one.session === session ? { ...one, browserProblem } : one));
  }

  /** For a sign-in that is shown, and whose end is told, elsewhere. */
  leave(session: string): void {
    this.#ended.add(session);
    this.#drop(session);
    failures.hide(session);
  }

  async cancel(session: string): Promise<void> {
    const params = { path: { id: session } };
    this.#apply(await ask(api.DELETE("/api/v1/credentials/sessions/{id}", { params })));
  }

  /** Finishes one with the redirect URL. */
  async paste(session: string, url: string): Promise<void> {
    const params = { path: { id: session } };
    const body = { url };
    this.#apply(await ask(api.POST("/api/v1/credentials/sessions/{id}/callback", { params, body })));
  }

  #handle(event: LogEvent): void {
    if (event.kind.startsWith("sign_in.") && event.session_id) void this.#update(event.session_id);
  }

  /** After a disconnect: reads pending and recently started ones again. */
  async #resume(): Promise<void> {
    const query = { kind: "sign_in.started" as const, limit: 20 };
    const { events } = await ask(api.GET("/api/v1/events", { params: { query } })).catch(() => ({ events: [] }));
    const sessions = new Set(this.list.map(({ session }) => session));
    for (const { session_id, at } of events) {
      const recent = Date.now() - Date.parse(at) < MAX_AGE_MS;
      if (session_id && recent) sessions.add(session_id);
    }
    await Promise.all([...sessions].map((session) => this.#update(session)));
  }

  async #update(session: string): Promise<void> {
    try {
      this.#apply(await this.#ask(session));
    } catch {
      // A restarted agent does not know it.
      this.#drop(session);
    }
  }

  #ask(session: string): Promise<SignIn> {
    return ask(api.GET("/api/v1/credentials/sessions/{id}", { params: { path: { id: session } } }));
  }

  #apply(view: SignIn): void {
    const known = this.list.find(({ session }) => session === view.session_id);
    if (this.#ended.has(view.session_id)) return;
    if (view.state === "started" || view.state === "authorized") {
      this.#put(view, {});
      return;
    }
    this.#ended.add(view.session_id);
    this.#drop(view.session_id);
    const row = rowOf({ connection: known?.connection ?? labelled(view), authenticatorId: view.authenticator_id });
    if (view.state === "denied" || view.state === "failed") failures.set(row, new Failure(view.error));
    if (view.state === "timed_out") failures.set(row, TIMED_OUT);
    // The success of one that began elsewhere is reported there.
    if (!known?.own) return;
    if (view.state === "completed") {
      if (view.instead_of) this.other = { connection: view.connection, insteadOf: view.instead_of };
      const { missing_scopes: missing, provider } = view.connection;
      const catalogue = live.providers.find(({ id }) => id === provider) ?? null;
      const words = missing.map((scope) => spelled(scope, catalogue)).join(", ");
      const expected = live.connections.find(({ id }) => id === known.connection);
      const isOther = expected !== undefined && expected.id !== view.connection.id && !view.instead_of;
      const other = isOther
        ? `You signed in with the account of this connection; ${profiles.qualified(expected.name, expected.profile)} stays as it is.`
        : null;
      const lacks = missing.length > 0 ? `Asked for, but not granted: ${words}.` : null;
      const hint = [other, lacks].filter(Boolean).join(" ") || null;
      notices.done(`${profiles.qualified(view.connection.name, view.profile)} is connected.`, hint);
      return;
    }
    if (view.state === "cancelled") notices.done("The sign-in was cancelled.");
  }

  #put(view: SignIn, extra: Partial<Pick<Pending, "own" | "url" | "connection">>): void {
    const old = this.list.find(({ session }) => session === view.session_id);
    const url = extra.url ?? old?.url ?? null;
    const pending: Pending = {
      session: view.session_id,
      authenticatorId: view.authenticator_id,
      connection: extra.connection ?? old?.connection ?? labelled(view),
      expiresAt: view.expires_at,
      authorized: view.state === "authorized",
      own: extra.own ?? old?.own ?? false,
      direct: view.direct ?? false,
      url: url === null ? null : (view.pushed_url ?? url),
      pushed: view.pushed_url != null,
      device: view.device ?? null,
      reason: view.reason ?? null,
      browserProblem: old?.browserProblem ?? null,
    };
    failures.clear(rowOf(pending));
    this.list = [...this.list.filter(({ session }) => session !== view.session_id), pending];
  }

  #drop(session: string): void {
    this.list = this.list.filter((one) => one.session !== session);
  }
}

export const signIns = new SignIns();
