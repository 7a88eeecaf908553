// Who may use which connection: remembered answers, questions that wait, client keys. Follows the agent's events.
import { api, ask } from "../api/client";
import { Failure } from "../api/failure";
import type { Approval, ClientCreated, ClientKey, LogEvent, Policy, Question, Rule } from "../api/types";
import { live } from "./live.svelte";
import { notices } from "./notices.svelte";
import { Refetch, type Round } from "./refetch";
import { settings } from "./settings.svelte";
import { staleAccess } from "./stale";

/** No event reports that a question was asked again or closed, and hand-outs are too many to read for each. */
const POLL_MS = 5000;

/** One about access. Changes are asked about in the app's own window only. */
export type Waiting = Approval & { question: Extract<Question, { kind: "access" }> };

function isAboutAccess(approval: Approval): approval is Waiting {
  return approval.question.kind === "access";
}

class Access {
  /** Null: not read yet. */
  rules = $state.raw<Rule[] | null>(null);
  /** In force now; null: not read yet. */
  policy = $state.raw<Policy | null>(null);
  waiting = $state.raw<Waiting[]>([]);
  keys = $state.raw<ClientKey[]>([]);
  /** Why the lists cannot be read: with a client key, as in a plain browser, they cannot. */
  failure = $state.raw<Failure | null>(null);

  #used = false;
  readonly #refetch = new Refetch(
    (round) => this.#read(round),
    (thrown) => {
      this.failure = Failure.of(thrown);
    },
  );

  start(): () => void {
    const stops = [live.onResumed(() => void this.read()), live.onEvent((event) => this.#handle(event))];
    const poll = (): void => {
      if (document.hidden || this.failure) return;
      if (this.waiting.length > 0) void this.#refetch.now(["approvals"]);
      if (this.#used) void this.#refetch.now(["rules", "keys"]);
      this.#used = false;
    };
    const polling = setInterval(poll, POLL_MS);
    return () => {
      clearInterval(polling);
      stops.forEach((stop) => stop());
    };
  }

  read(): Promise<void> {
    return this.#refetch.now(["rules", "approvals", "keys"]);
  }

  /** The desktop app opens its approval window: this page cannot answer. */
  async show({ id }: Waiting): Promise<void> {
    await ask(api.POST("/api/v1/approvals/{id}/show", { params: { path: { id } } }));
    await this.#refetch.now(["approvals"]);
  }

  /** The app asks in its own window before a denial is removed. */
  async remove(rules: readonly Rule[]): Promise<void> {
    for (const { id } of rules) {
      try {
        await ask(api.DELETE("/api/v1/rules/{id}", { params: { path: { id } } }));
      } catch (thrown) {
        // It has ended, or somebody else removed it.
        if (Failure.of(thrown).code !== "not_found") throw thrown;
      }
    }
    await this.#refetch.now(["rules"]);
  }

  /** The app asks in its own window. */
  async confirm(rules: readonly Rule[]): Promise<void> {
    for (const { id } of rules) await ask(api.POST("/api/v1/rules/{id}/confirm", { params: { path: { id } } }));
    await this.#refetch.now(["rules"]);
  }

  async createKey(name: string, connections: string[] | null, expiresIn: number | null): Promise<ClientCreated> {
    const body = {
      manage: false,
      ...(name === "" ? {} : { name }),
      ...(connections === null ? {} : { connections }),
      ...(expiresIn === null ? {} : { expires_in: expiresIn }),
    };
    const created = await ask(api.POST("/api/v1/clients", { body }));
    void this.#refetch.now(["keys"]);
    return created;
  }

  /** The app asks in its own window. */
  async confirmKey({ id }: ClientKey): Promise<void> {
    await ask(api.POST("/api/v1/clients/{id}/confirm", { params: { path: { id } } }));
    await this.#refetch.now(["keys"]);
  }

  async revoke({ id, name }: ClientKey): Promise<void> {
    try {
      await ask(api.DELETE("/api/v1/clients/{id}", { params: { path: { id } } }));
    } catch (thrown) {
      if (Failure.of(thrown).code !== "not_found") throw thrown;
    }
    await this.#refetch.now(["keys"]);
    notices.done(`The client key ${name} is revoked.`);
  }

  async setPolicy(access_policy: Policy): Promise<void> {
    await settings.change({ access_policy });
    await this.#refetch.now(["rules"]);
  }

  #handle(event: LogEvent): void {
    if (event.kind === "token.served" || event.kind === "proxy.request") this.#used = true;
    if (!this.failure) void this.#refetch.now(staleAccess(event));
  }

  async #read({ snapshots }: Round): Promise<void> {
    const [rules, approvals, keys] = await Promise.all([
      snapshots.has("rules") ? ask(api.GET("/api/v1/rules")) : null,
      snapshots.has("approvals") ? ask(api.GET("/api/v1/approvals")) : null,
      snapshots.has("keys") ? ask(api.GET("/api/v1/clients")) : null,
    ]);
    this.failure = null;
    if (rules) [this.rules, this.policy] = [rules.rules, rules.policy];
    if (approvals) this.waiting = approvals.approvals.filter(isAboutAccess);
    if (keys) this.keys = keys.clients;
  }
}

export const access = new Access();
