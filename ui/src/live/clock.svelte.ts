// The time as the page shows it. Relative times tick; nothing ticks while the page is hidden.

class Clock {
  /** For countdowns. */
  second = $state(Date.now());
  /** For "41 min"; ticks every ten seconds, which is cheap with hundreds of rows. */
  slow = $state(Date.now());

  start(): () => void {
    const tick = (): void => {
      if (document.hidden) return;
      this.second = Date.now();
      if (this.second - this.slow >= 10_000 || this.second < this.slow) this.slow = this.second;
    };
    const timer = setInterval(tick, 1000);
    document.addEventListener("visibilitychange", tick);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", tick);
    };
  }

  /** Called with new data, so that nothing that just happened lies in the future. */
  catchUp(): void {
    this.second = this.slow = Date.now();
  }
}

export const clock = new Clock();
