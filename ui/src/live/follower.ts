// Follows the audit log for as long as the page lives: begins again after every break, a little later
// each time, and takes a stream that has gone quiet for dead.
import type { LogEvent } from "../api/types";
import { backend } from "../backend";
import { sseReader } from "./sse";

const PATH = "/api/v1/events?follow=true";
/** The agent says every 30 seconds that it is still there. */
const QUIET_MS = 45_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 5000;

export interface FollowerEar {
  begun(): Promise<void>;
  event(event: LogEvent): void;
  broken(thrown: unknown): void;
}

export class Follower {
  #abort = new AbortController();
  #wake: () => void = () => undefined;
  #pause = FIRST_PAUSE_MS;
  #stopped = false;

  constructor(private readonly ear: FollowerEar) {}

  start(): () => void {
    this.#stopped = false;
    void this.#run();
    return () => {
      this.#stopped = true;
      this.#abort.abort();
      this.#wake();
    };
  }

  /** Ends the pause between two tries. */
  hurry(): void {
    this.#pause = FIRST_PAUSE_MS;
    this.#wake();
  }

  /** Gives this stream up, so that all begins anew. */
  again(): void {
    this.#abort.abort();
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      this.#abort = new AbortController();
      try {
        await this.#follow(this.#abort);
        // An agent that stops ends its streams: the next try tells what is the matter.
      } catch (thrown) {
        if (!this.#abort.signal.aborted) this.ear.broken(thrown);
      }
      await this.#rest();
    }
  }

  async #follow(abort: AbortController): Promise<void> {
    let timer = setTimeout(() => abort.abort(), QUIET_MS);
    const read = sseReader((data) => this.ear.event(JSON.parse(data) as LogEvent));
    const ear = {
      begun: () => {
        void this.ear.begun().then(() => {
          if (!abort.signal.aborted) this.#pause = FIRST_PAUSE_MS;
        });
      },
      text: (piece: string) => {
        clearTimeout(timer);
        timer = setTimeout(() => abort.abort(), QUIET_MS);
        read(piece);
      },
    };
    try {
      await backend.follow(PATH, ear, abort.signal);
    } finally {
      clearTimeout(timer);
    }
  }

  #rest(): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    const pause = this.#pause;
    this.#pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, pause);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
