import type { Backend } from "./backend";
import { browser } from "./browser";
import { tauri } from "./tauri";

export { AgentGone, type Desktop } from "./backend";
export type { ShellState } from "./shell.gen";

export const backend: Backend = "__TAURI_INTERNALS__" in window ? tauri : browser;
