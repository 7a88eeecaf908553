import type { ShellState } from "./shell.gen";

/** The way to the agent. It hides what differs between the desktop app and a plain browser. */
export interface Backend {
  /** Base URL of the requests. */
  readonly base: string;
  fetch(request: Request): Promise<Response>;
  /** Follows a stream of server-sent events, until it ends or is aborted. */
  follow(path: string, handlers: StreamHandlers, abort: AbortSignal): Promise<void>;
  /** Opens an address in the person's browser. */
  openUrl(url: string): Promise<unknown>;
  /** Saves a file; answers its path where that is known. */
  save(name: string, type: string, text: string): Promise<string | null>;
  /** Null in a plain browser. */
  readonly desktop: Desktop | null;
}

export interface StreamHandlers {
  begun(): void;
  text(piece: string): void;
}

export interface Desktop {
  state(): Promise<ShellState>;
  setAutostart(enabled: boolean): Promise<unknown>;
  /** The offer was declined. */
  loginOfferDone(): Promise<unknown>;
  /** Starts a provider to try the app with; answers the id of its authenticator. */
  beginDemo(): Promise<string>;
  openLogFolder(): Promise<unknown>;
  firstStartDone(): Promise<unknown>;
  /** Asks the person to unlock the keychain. */
  unlockKeychain(): Promise<unknown>;
  /** Ends the app. */
  quit(): Promise<unknown>;
  /** Puts a fresh token on the clipboard; the page never sees it. Answers after how many seconds it is cleared. */
  copyToken(connection: string): Promise<number>;
  /** Gets a new token from the provider; the page never sees it. */
  refreshNow(connection: string): Promise<unknown>;
}

/** The agent does not answer. */
export class AgentGone extends Error {}
