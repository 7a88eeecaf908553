import { Failure } from "../api/failure";

export async function copy(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    throw new Failure({ message: "the clipboard could not be used", hint: "select the text and copy it by hand" });
  }
}
