// Phrases that people stumbled over stay out of the page: each was replaced by plainer words.
import { expect, test } from "vitest";

const SOURCES = import.meta.glob<string>(["../**/*.svelte", "../**/*.ts", "!../**/*.test.ts", "!../api/schema.d.ts"], {
  query: "?raw",
  import: "default",
  eager: true,
});

const REPLACED = [
  /Handing out/,
  /[Tt]hey do not show/,
  /[Ii]t is there\b/,
  /the person declined/,
  /what fits"/,
  /A login needs you/,
  /is no (https|JSON)/,
  /Another name keeps both/,
  /There is a space in it/,
  /Secrets travel/,
  /Nothing is called/,
  /did not take/,
  /nobody is signed in through/i,
  /a token that lives/,
  /stays so until/,
  /Nobody is signed in/,
  /Only signing in again helps/,
  /Where things are/,
  /leaves this to the variable/,
  /(Read|Delete) from it"/,
];

test("the page uses none of the phrases that were replaced", () => {
  expect(Object.keys(SOURCES).length).toBeGreaterThan(60);
  const found = Object.entries(SOURCES).flatMap(([file, text]) =>
    REPLACED.filter((phrase) => phrase.test(text)).map((phrase) => `${file}: ${phrase.source}`),
  );
  expect(found).toEqual([]);
});
