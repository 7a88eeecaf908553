// Follows the audit log. Reconnects after every break, with a growing pause; a stream without a
// keep-alive counts as broken.
import type { LogEvent } from "../api/types";
import { backend } from "../backend";
import { sseReader } from "./sse";

const PATH = "/api/v1/events?follow=true";
/** The agent sends a keep-alive every 30 seconds. */
const SILENCE_TIMEOUT_MS = 45_000;
const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 5000;

export interface FollowerHandlers {
  begun(): Promise<void>;
  event(event: LogEvent): void;
  failed(thrown: unknown): void;
}

export class Follower {
  #abort = new AbortController();
  #wake: () => void = () => undefined;
  #pause = FIRST_PAUSE_MS;
  #stopped = false;

  constructor(private readonly handlers: FollowerHandlers) {}

  start(): () => void {
    this.#stopped = false;
    void this.#run();
    return () => {
      this.#stopped = true;
      this.#abort.abort();
      this.#wake();
    };
  }

  /** Ends the pause before the next attempt. */
  hurry(): void {
    this.#pause = FIRST_PAUSE_MS;
    this.#wake();
  }

  /** Drops this stream and reconnects. */
  again(): void {
    this.#abort.abort();
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      this.#abort = new AbortController();
      try {
        await this.#follow(this.#abort);
        // An agent that stops ends its streams; the next attempt reports the problem.
      } catch (thrown) {
        if (!this.#abort.signal.aborted) this.handlers.failed(thrown);
      }
      await this.#rest();
    }
  }

  async #follow(abort: AbortController): Promise<void> {
    let timer = setTimeout(() => abort.abort(), SILENCE_TIMEOUT_MS);
    const read = sseReader((data) => this.handlers.event(JSON.parse(data) as LogEvent));
    const stream = {
      begun: () => {
        void this.handlers.begun().then(() => {
          if (!abort.signal.aborted) this.#pause = FIRST_PAUSE_MS;
        });
      },
      text: (piece: string) => {
        clearTimeout(timer);
        timer = setTimeout(() => abort.abort(), SILENCE_TIMEOUT_MS);
        read(piece);
      },
    };
    try {
      await backend.follow(PATH, stream, abort.signal);
    } finally {
      clearTimeout(timer);
    }
  }

  #rest(): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    const pause = this.#pause;
    this.#pause = Math.min(pause * 2, MAX_PAUSE_MS);
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, pause);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
