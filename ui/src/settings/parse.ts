// Parses what is typed on the settings page. A problem is a sentence.

export type Read<T> = { value: T } | { problem: string };

/** `7:00`, `07.00` and `7` are `07:00`. */
export function time(text: string): Read<string> {
  const found = /^(\d{1,2})(?:[:.]?(\d{2}))?$/.exec(text.trim());
  const [hour, minute] = [Number(found?.[1]), Number(found?.[2] ?? 0)];
  if (!found || hour > 23 || minute > 59) return { problem: "Write a time of day, like 22:00." };
  return { value: `${String(hour).padStart(2, "0")}:${String(minute).padStart(2, "0")}` };
}

export interface Hours {
  from: string;
  to: string;
}

/** Which of the two fields is wrong, and why. */
export interface HoursProblem {
  from?: string;
  to?: string;
}

export function hours(from: string, to: string): { value: Hours } | { problem: HoursProblem } {
  const [begin, end] = [time(from), time(to)];
  if ("problem" in begin || "problem" in end) {
    return {
      problem: {
        ...("problem" in begin ? { from: begin.problem } : {}),
        ...("problem" in end ? { to: end.problem } : {}),
      },
    };
  }
  if (begin.value === end.value) return { problem: { to: "They cannot end when they begin." } };
  return { value: { from: begin.value, to: end.value } };
}

/** Empty: the default port. */
export function port(text: string): Read<number | null> {
  if (text.trim() === "") return { value: null };
  const number = /^\d{1,5}$/.test(text.trim()) ? Number(text) : 0;
  if (number === 4316) return { problem: "Browsers come back from sign-ins on 4316; take another." };
  if (number < 1024 || number > 65535) return { problem: "A port is a number from 1024 to 65535." };
  return { value: number };
}
