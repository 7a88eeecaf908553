// Saves a file: a download in a browser; in the desktop app a notice shows the path.
import { backend } from "../backend";
import { notices } from "./notices.svelte";

export async function save(name: string, type: string, text: string): Promise<void> {
  try {
    const path = await backend.save(name, type, text);
    if (path !== null) notices.done(`Saved as ${path}.`);
  } catch (thrown) {
    notices.failed(thrown);
  }
}
