/** This file knows a value that parts of the page share and follow. */
import { useEffect, useState } from "preact/hooks";

export interface Cell<Value> {
  get(): Value;
  set(value: Value): void;
  /** The value, and another rendering when it changes. */
  use(): Value;
}

export function cell<Value>(first: Value): Cell<Value> {
  let now = first;
  const followers = new Set<(value: Value) => void>();
  return {
    get: () => now,
    set(value) {
      if (Object.is(value, now)) return;
      now = value;
      for (const tell of [...followers]) tell(value);
    },
    use() {
      const [, again] = useState({});
      useEffect(() => {
        const seen = now;
        const tell = () => again({});
        followers.add(tell);
        if (!Object.is(seen, now)) tell();
        return () => {
          followers.delete(tell);
        };
      }, []);
      return now;
    },
  };
}
