// Files with authenticators: one goes into the form to be looked over; of several a list is kept until
// all of it is dealt with.
import { Failure } from "../api/failure";
import { live } from "../live/live.svelte";
import { notices } from "../live/notices.svelte";
import { profiles } from "../live/profiles.svelte";
import { go } from "../live/route.svelte";
import { slug } from "../words/names";
import { adding, Draft } from "./draft.svelte";
import { add } from "./save";
import { NotImported, readFile, type Imported } from "./importFile";

export type Standing = "ready" | "needs you" | "there";

class Importing {
  /** The several of an export. */
  list = $state.raw<Imported[]>([]);
  /** What the agent said against one of them, by its place in the list. */
  refused = $state.raw<Record<number, string>>({});
  /** One that would take the place of what a person has written, and the file that it is from. */
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
        this.lookOver(first, file.name);
      }
      go("add");
    } catch (thrown) {
      notices.failed(thrown instanceof NotImported ? { message: thrown.message, reason: file.name } : thrown);
    }
  }

  /** Puts it into the form, unless that holds what somebody has written: they are asked first. */
  lookOver(one: Imported, file: string | null = null): void {
    this.asked = { one, file };
    if (!adding.touched) this.replace();
  }

  replace(): void {
    if (!this.asked) return;
    const { one, file } = this.asked;
    this.asked = null;
    const provider = live.providers.find(({ id }) => id === one.provider);
    if (provider) adding.take(one, provider, (name) => taken(name, profile(one)));
    if (file !== null) notices.done(`${file} is read. Look it over, then save.`, one.remarks.join(" ") || null);
  }

  /** Leaves the form as it is. */
  keep(): void {
    this.asked = null;
  }

  standing(one: Imported): Standing {
    if (taken(name(one), profile(one))) return "there";
    return Object.keys(one.variables).length > 0 ? "needs you" : "ready";
  }

  /** Adds those that are complete; what the agent refuses stays, with its reason. */
  async addReady(): Promise<void> {
    const refused: Record<number, string> = {};
    let added = 0;
    for (const [index, one] of this.list.entries()) {
      const provider = live.providers.find(({ id }) => id === one.provider);
      if (!provider || this.standing(one) !== "ready") continue;
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

  forget(): void {
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
