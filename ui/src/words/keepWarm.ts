// When a token is refreshed without being asked, in plain words.
import type { KeepWarm } from "../api/types";

export const POLICIES: readonly { value: KeepWarm; words: string }[] = [
  { value: "always", words: "Always fresh" },
  { value: "when_used", words: "Fresh if used within a day" },
  { value: "on_demand", words: "Only when it is asked for" },
];
