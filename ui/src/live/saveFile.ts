// A file for the person: the browser's download, or saved by the desktop app, which says where.
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
