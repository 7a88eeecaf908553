import createClient from "openapi-fetch";
import { AgentGone, backend } from "../backend";
import { Failure } from "./failure";
import type { paths } from "./schema";

/** The agent's API, typed from its OpenAPI document. */
export const api = createClient<paths>({
  baseUrl: backend.base,
  fetch: (request) => backend.fetch(request),
});

/** The answer's body, or a `Failure`. */
export async function ask<T>(reply: Promise<{ data?: T; error?: unknown }>): Promise<T> {
  const { data, error } = await reply.catch((thrown: unknown) => {
    throw thrown instanceof AgentGone ? Failure.of(null) : Failure.of(thrown);
  });
  if (data === undefined) throw Failure.of(error);
  return data;
}
