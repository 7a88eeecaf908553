// "Try the demo": a provider with made-up accounts that the desktop app starts on this machine.
import type { Desktop } from "../backend";
import { live } from "./live.svelte";
import { go } from "./route.svelte";
import { signIns } from "./signIns.svelte";

export async function tryDemo(desktop: Desktop): Promise<void> {
  const authenticatorId = await desktop.beginDemo();
  await live.refresh("authenticators");
  go("connections");
  await signIns.begin({ authenticatorId });
}
