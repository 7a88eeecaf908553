/** The door to the agent. What differs between the desktop app and a plain browser stands behind it. */
export interface Backend {
  /** What the paths of requests are joined to. */
  readonly base: string;
  fetch(request: Request): Promise<Response>;
  /** Follows a stream of server-sent events, until it ends or is aborted. */
  follow(path: string, ear: StreamEar, abort: AbortSignal): Promise<void>;
  /** Opens an address in the person's browser. */
  openUrl(url: string): Promise<void>;
  /** Hands the person a file; answers where it is, if this page can know that. */
  save(name: string, type: string, text: string): Promise<string | null>;
  /** What only the desktop app can do. */
  readonly desktop: Desktop | null;
}

export interface StreamEar {
  begun(): void;
  text(piece: string): void;
}

export interface Desktop {
  state(): Promise<ShellState>;
  setAutostart(enabled: boolean): Promise<void>;
  /** The person said “Not now”. */
  loginOfferDone(): Promise<void>;
  /** Starts a provider to try the app with; answers its authenticator's id. */
  beginDemo(): Promise<string>;
  openLogFolder(): Promise<void>;
  firstStartDone(): Promise<void>;
  /** Puts a fresh token on the clipboard; the page never sees it. Answers the seconds it stays there. */
  copyToken(connection: string): Promise<number>;
  /** Gets a new token from the provider; the page never sees it. */
  refreshNow(connection: string): Promise<void>;
}

export interface ShellState {
  version: string;
  autostart: boolean | null;
  tray_problem: string | null;
  notification_problem: string | null;
  log_folder: string;
  first_start: boolean;
  login_offered: boolean;
  /** There is a demo to be tried. */
  demo: boolean;
}

/** The agent does not answer at all. */
export class AgentGone extends Error {}
