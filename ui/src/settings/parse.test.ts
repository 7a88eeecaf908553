import { describe, expect, it } from "vitest";
import { hours, port, time } from "./parse";

describe("times of day", () => {
  it("are taken as people write them", () => {
    for (const [text, value] of [
      ["22:00", "22:00"],
      ["7:05", "07:05"],
      [" 7 ", "07:00"],
      ["0700", "07:00"],
      ["7.30", "07:30"],
    ]) {
      expect(time(text ?? "")).toEqual({ value });
    }
  });
  it("that are none are told", () => {
    for (const text of ["", "24:00", "7:60", "7:5", "seven", "-1:00", "12:00 pm"])
      expect(time(text)).toHaveProperty("problem");
  });
});

describe("quiet hours", () => {
  it("may cross midnight", () => {
    expect(hours("22:00", "7")).toEqual({ value: { from: "22:00", to: "07:00" } });
  });
  it("name each field that is wrong", () => {
    expect(hours("25", "x")).toMatchObject({ problem: { from: expect.any(String), to: expect.any(String) } });
    expect(hours("22:00", "")).toMatchObject({ problem: { to: expect.any(String) } });
    expect(hours("7", "07:00")).toMatchObject({ problem: { to: "They cannot end when they begin." } });
  });
});

describe("ports", () => {
  it("are numbers that the door may have, or none", () => {
    expect(port("")).toEqual({ value: null });
    expect(port(" 5123 ")).toEqual({ value: 5123 });
    for (const text of ["80", "1023", "4316", "65536", "4315.5", "0x1000", "port"])
      expect(port(text)).toHaveProperty("problem");
  });
});
