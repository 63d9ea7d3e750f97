/** This file knows how a question reaches the service and how its answer comes back. */
import { useEffect, useRef, useState } from "preact/hooks";
import { cell } from "./cell";
import type { Operation } from "./operations";

const KEPT = 200; // answers
const PAUSE = 100; // ms to wait for more keys when the answer before is still under way

/** The service answered with an error, or not at all. */
export class Failed extends Error {}

interface Body<Answer> {
  data?: Answer | null;
  errors?: { message: string }[];
  extensions?: { snapshot?: string };
}

const kept = new Map<string, unknown>();

/** The snapshot that the last answer came from. */
export const snapshot = cell<string | null>(null);

function told(id: string | undefined): void {
  if (!id || id === snapshot.get()) return;
  kept.clear(); // what was kept is of another snapshot
  snapshot.set(id);
}

/** Ask once. Throws Failed with what the service said. */
export async function ask<Answer, Variables>(
  operation: Operation<Answer, Variables>,
  variables: Variables,
  signal?: AbortSignal,
): Promise<Answer> {
  const key = operation.name + JSON.stringify(variables);
  if (kept.has(key)) return kept.get(key) as Answer;
  let body: Body<Answer>;
  try {
    const response = await fetch("/graphql", {
      method: "POST",
      signal: signal ?? null,
      headers: { "content-type": "application/json", accept: "application/json" },
      body: JSON.stringify({ query: operation.text, variables, operationName: operation.name }),
    });
    body = (await response.json()) as Body<Answer>;
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Failed("The service cannot be reached. Is it still running?");
  }
  if (body.errors?.length) throw new Failed(body.errors.map((each) => each.message).join("; "));
  if (!body.data) throw new Failed("The service gave an empty answer.");
  told(body.extensions?.snapshot);
  kept.set(key, body.data);
  for (const oldest of kept.keys()) {
    if (kept.size <= KEPT) break;
    kept.delete(oldest);
  }
  return body.data;
}

export interface Asked {
  name: string;
  text: string;
  variables: unknown;
}

/** The questions behind what is on the page now. */
export const asked = cell<readonly Asked[]>([]);

export interface Answered<Answer> {
  data: Answer | null;
  error: Failed | null;
  /** An answer is under way; `data` is the one before, if any. */
  loading: boolean;
  again(): void;
}

interface Held<Answer> {
  key: string;
  data: Answer[] | null;
  error: Failed | null;
}

/** The answers to one question for each of several variables, asked anew when any of them change. */
export function useAnswers<Answer, Variables>(
  operation: Operation<Answer, Variables>,
  each: readonly Variables[],
): Answered<Answer[]> {
  const [held, setHeld] = useState<Held<Answer>>({ key: "", data: null, error: null });
  const [tries, setTries] = useState(0);
  const key = JSON.stringify(each);
  const given = useRef(each);
  given.current = each;
  const busy = useRef(false);
  useEffect(() => {
    if (given.current.length === 0) return;
    const notes = given.current.map((variables) => ({ name: operation.name, text: operation.text, variables }));
    asked.set([...asked.get(), ...notes]);
    const stop = new AbortController();
    const begin = () => {
      busy.current = true;
      Promise.all(given.current.map((variables) => ask(operation, variables, stop.signal))).then(
        (data) => {
          if (stop.signal.aborted) return;
          busy.current = false;
          setHeld({ key, data, error: null });
        },
        (error: unknown) => {
          if (stop.signal.aborted) return;
          busy.current = false;
          setHeld({ key, data: null, error: error instanceof Failed ? error : new Failed(String(error)) });
        },
      );
    };
    const timer = busy.current ? setTimeout(begin, PAUSE) : undefined;
    if (!busy.current) begin();
    return () => {
      clearTimeout(timer);
      stop.abort();
      asked.set(asked.get().filter((note) => !notes.includes(note as (typeof notes)[number])));
    };
  }, [operation, key, tries]);
  return {
    data: held.data,
    error: held.key === key ? held.error : null,
    loading: each.length > 0 && held.key !== key,
    again: () => {
      setHeld({ key: "", data: null, error: null });
      setTries((before) => before + 1);
    },
  };
}

/** The answer to a question, asked anew when its variables change. Null variables ask nothing. */
export function useAnswer<Answer, Variables>(
  operation: Operation<Answer, Variables>,
  variables: Variables | null,
): Answered<Answer> {
  const answers = useAnswers(operation, variables === null ? [] : [variables]);
  return { ...answers, data: answers.data?.[0] ?? null };
}
