// Who asked, as the audit log says it: `process 4711 /usr/bin/node`, `key ci`, `window`, `valetkey`.

export interface Who {
  /** "node" */
  name: string;
  /** "socket · pid 4711" */
  door: string;
}

export function who(actor: string | null | undefined): Who | null {
  if (!actor) return null;
  const process = /^process (\d+)(?: (.+))?$/.exec(actor);
  if (process) {
    const [, pid = "", path] = process;
    return { name: path?.split("/").at(-1) ?? `process ${pid}`, door: `socket · pid ${pid}` };
  }
  if (actor.startsWith("key ")) return { name: actor.slice(4), door: "client key" };
  if (actor === "window") return { name: "this window", door: "this window" };
  if (actor === "valetkey") return null;
  return { name: actor, door: actor };
}
