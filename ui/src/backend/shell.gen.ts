// Generated from src-tauri by: UPDATE_SHELL_TYPES=1 cargo nextest run -p valetkey-desktop

export type Route = { "page": "connections" } | { "page": "connection", id: string, } | { "page": "access" } | { "page": "settings" };
export type Command = { "command": "request", "args": { method: string, path: string, body: string | null, } } | { "command": "follow", "args": { path: string, 
/**
 * The page passes a channel, the window's process its id.
 */
onText: unknown, } } | { "command": "unfollow", "args": { id: number, } } | { "command": "open_url", "args": { url: string, } } | { "command": "copy_token", "args": { connection: string, } } | { "command": "refresh_now", "args": { connection: string, } } | { "command": "save_file", "args": { name: string, text: string, } } | { "command": "shell_state", "args": Record<symbol, never> } | { "command": "set_autostart", "args": { enabled: boolean, } } | { "command": "login_offer_done", "args": Record<symbol, never> } | { "command": "begin_demo", "args": Record<symbol, never> } | { "command": "open_log_folder", "args": Record<symbol, never> } | { "command": "first_start_done", "args": Record<symbol, never> } | { "command": "unlock_keychain", "args": Record<symbol, never> } | { "command": "quit", "args": Record<symbol, never> };
export type ApiReply = { status: number, body: string, };
export type Copied = { clears_in_seconds: number, };
export type ShellState = { version: string, 
/**
 * None where it is unknown.
 */
autostart: boolean | null, tray_problem: string | null, notification_problem: string | null, log_folder: string, first_start: boolean, login_offered: boolean, 
/**
 * Whether the demo provider is installed.
 */
demo: boolean, };
export type Reply = { "command": "request", "reply": ApiReply } | { "command": "follow", "reply": number } | { "command": "unfollow", "reply": null } | { "command": "open_url", "reply": null } | { "command": "copy_token", "reply": Copied } | { "command": "refresh_now", "reply": null } | { "command": "save_file", "reply": string } | { "command": "shell_state", "reply": ShellState } | { "command": "set_autostart", "reply": null } | { "command": "login_offer_done", "reply": null } | { "command": "begin_demo", "reply": string } | { "command": "open_log_folder", "reply": null } | { "command": "first_start_done", "reply": null } | { "command": "unlock_keychain", "reply": null } | { "command": "quit", "reply": null };

/** Fragments that the shell opens, each with the route that it means. */
export const SHELL_ROUTES: readonly [string, Route][] = [["#/connections",{"page":"connections"}],["#/connection/018f0000-0000-7000-8000-000000000001",{"page":"connection","id":"018f0000-0000-7000-8000-000000000001"}],["#/access",{"page":"access"}],["#/settings",{"page":"settings"}]];
