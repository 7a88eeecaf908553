// Import of files. A single authenticator is filled into the form for review; several are shown as a
// list until it is closed.
import { Failure } from "../api/failure";
import { live } from "../live/live.svelte";
import { notices } from "../live/notices.svelte";
import { profiles } from "../live/profiles.svelte";
import { go } from "../live/route.svelte";
import { slug } from "../words/names";
import { adding, Draft } from "./draft.svelte";
import { add } from "./save";
import { NotImported, readFile, type Imported } from "./importFile";

export type ImportState = "ready" | "incomplete" | "added";

class Importing {
  list = $state.raw<Imported[]>([]);
  /** Why the agent refused one of them, by its index in the list. */
  refused = $state.raw<Record<number, string>>({});
  /** One that waits for the confirmation to replace changes in the form. */
  asked = $state.raw<{ one: Imported; file: string | null } | null>(null);

  async take(file: File): Promise<void> {
    try {
      const found = readFile(await file.text());
      const unknown = found.find(({ provider }) => !live.providers.some(({ id }) => id === provider));
      if (unknown) throw new NotImported(`The catalogue knows no provider “${unknown.provider}”.`);
      const [first, ...more] = found;
      if (more.length > 0) {
        this.list = found;
        this.refused = {};
        notices.done(`${file.name} is read: ${found.length} authenticators.`);
      } else if (first) {
        this.review(first, file.name);
      }
      go("add");
    } catch (thrown) {
      notices.failed(thrown instanceof NotImported ? { message: thrown.message, reason: file.name } : thrown);
    }
  }

  /** Fills it into the form; asks first if the form has unsaved changes. */
  review(one: Imported, file: string | null = null): void {
    this.asked = { one, file };
    if (!adding.touched) this.replace();
  }

  replace(): void {
    if (!this.asked) return;
    const { one, file } = this.asked;
    this.asked = null;
    const provider = live.providers.find(({ id }) => id === one.provider);
    if (provider) adding.take(one, provider, (name) => taken(name, profile(one)));
    if (file !== null) notices.done(`${file} is read. Review it, then save.`, one.remarks.join(" ") || null);
  }

  keep(): void {
    this.asked = null;
  }

  state(one: Imported): ImportState {
    if (taken(name(one), profile(one))) return "added";
    return Object.keys(one.variables).length > 0 ? "incomplete" : "ready";
  }

  /** Adds all that are complete; those that the agent refuses stay in the list. */
  async addReady(): Promise<void> {
    const refused: Record<number, string> = {};
    let added = 0;
    for (const [index, one] of this.list.entries()) {
      const provider = live.providers.find(({ id }) => id === one.provider);
      if (!provider || this.state(one) !== "ready") continue;
      const draft = new Draft();
      draft.take(one, provider, () => false);
      try {
        await add(draft, profile(one));
        added += 1;
      } catch (thrown) {
        const failure = Failure.of(thrown);
        refused[index] = failure.problems.map(({ message }) => message).join(" ") || failure.message;
      }
    }
    this.refused = refused;
    await live.refresh("authenticators");
    if (added > 0) notices.done(`${added} ${added === 1 ? "authenticator is" : "authenticators are"} added.`);
  }

  clear(): void {
    this.list = [];
    this.refused = {};
  }
}

function name(one: Imported): string {
  return one.texts.name ?? one.provider;
}

function profile(one: Imported): string {
  return one.profile ?? profiles.chosen ?? "default";
}

function taken(name: string, profile: string): boolean {
  return live.authenticators.some((one) => one.name === slug(name) && one.profile === profile);
}

export const importing = new Importing();
