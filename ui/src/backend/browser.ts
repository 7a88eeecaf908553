// A plain browser in front of the loopback listener; the dev server's proxy adds the client key.
import { AgentGone, type Backend, type StreamHandlers } from "./backend";

/** The proxy answers 502 without the API's body when nothing listens. */
function isUnreachable(response: Response): boolean {
  return response.status === 502 && !response.headers.get("content-type")?.includes("json");
}

async function send(request: Request): Promise<Response> {
  const response = await fetch(request).catch((error: unknown) => {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new AgentGone();
  });
  if (isUnreachable(response)) throw new AgentGone();
  return response;
}

async function follow(path: string, handlers: StreamHandlers, abort: AbortSignal): Promise<void> {
  const response = await send(new Request(path, { signal: abort }));
  if (!response.ok || !response.body) throw new AgentGone();
  handlers.begun();
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    handlers.text(value);
  }
}

export const browser: Backend = {
  base: "",
  fetch: send,
  follow,
  openUrl(url) {
    window.open(url, "_blank", "noopener");
    return Promise.resolve();
  },
  save(name, type, text) {
    const url = URL.createObjectURL(new Blob([text], { type }));
    const link = document.createElement("a");
    link.href = url;
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
    return Promise.resolve(null);
  },
  desktop: null,
};
