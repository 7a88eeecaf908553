// The form of a new client key. It survives closing the dialog, until the key is made.

class NewKeyForm {
  name = $state("");
  /** Those of later, too. */
  all = $state(false);
  /** Ids. */
  readonly connections = $state<Record<string, boolean>>({});
  /** Null: until it is revoked. */
  days = $state<number | null>(90);

  clear(): void {
    [this.name, this.all, this.days] = ["", false, 90];
    for (const id of Object.keys(this.connections)) delete this.connections[id];
  }
}

export const form = new NewKeyForm();
