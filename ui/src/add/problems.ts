// What the agent found wrong, in the words of the form.
import { sentence } from "../api/failure";
import type { Problem } from "../api/types";

/** The JSON names of fields that have no label of their own here. */
const LABELS: Record<string, string> = { authenticator_type: "Provider", scopes: "Scopes", "": "Form" };

/** What a hint says of the command line, where the field is at hand here. */
const OPTION = /(; |, and )give (it|its id) with `--[^`]*`( or `[^`]*`)?$/;

/** "Enter the client ID." for "`client_id` is missing". */
export function problemText({ field, message, hint }: Problem, label = LABELS[field] ?? field): string {
  const words = lowerFirst(label.replace(/ \(.*\)$/, ""));
  const advice = sentence(hint.replace(OPTION, ""));
  if (message.replaceAll("`", "") === `${field} is missing`) return `Enter the ${words}. ${advice}`;
  const named = field === "" ? message : message.replace(new RegExp(`^\`?${field}\`?(?= )`), `the ${words}`);
  return `${sentence(named)} ${advice}`;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
