/** This file knows how the map grows by date: the months of its points, the slider, and the film. */
import type { RefObject } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { NONE } from "./colours";
import type { Drawing } from "./draw";
import { type Head, readCode } from "./files";

const MONTH_MS = 120; // of the film

export interface Timeline {
  /** The first and the last month; null where too few are known to slide along. */
  months: { first: number; last: number } | null;
  /** The last month that is shown; null for all times. */
  until: number | null;
  playing: boolean;
  play(on: boolean): void;
  show(until: number | null): void;
}

/** 2024-03, for a month as the map's files count them. */
export const monthWords = (head: Head, code: number): string =>
  `${head.firstYear + Math.floor(code / 12)}-${String((code % 12) + 1).padStart(2, "0")}`;

export function useTimeline(
  head: Head,
  drawing: RefObject<Drawing | null>,
  ready: number,
  redraw: (moving: boolean) => void,
): Timeline {
  const [until, setUntil] = useState<number | null>(null);
  const [playing, setPlaying] = useState(false);
  const [dated, setDated] = useState(0); // tiers whose months are loaded
  const timed = until !== null;
  useEffect(() => {
    if (!timed || dated >= ready) return;
    let current = true;
    const tiers = head.tiers.map((_, tier) => tier).slice(dated, ready);
    Promise.all(tiers.map((tier) => readCode(head, "month", tier))).then(
      (codes) => {
        if (!current) return;
        for (const [at, values] of codes.entries()) drawing.current?.set(dated + at, "month", values);
        setDated(ready);
      },
      () => undefined,
    );
    return () => {
      current = false;
    };
  }, [head, drawing, timed, dated, ready]);
  useEffect(() => {
    const made = drawing.current;
    if (!made || (until !== null && dated === 0)) return;
    made.until = until ?? NONE;
    redraw(until !== null);
  }, [drawing, until, dated, redraw]);
  const months = useMemo(() => {
    const known = (head.codes.month ?? []).map((each) => each.code).filter((code) => code < NONE);
    return known.length > 1 ? { first: Math.min(...known), last: Math.max(...known) } : null;
  }, [head]);
  useEffect(() => {
    if (!playing || !months) return;
    const step = setInterval(
      () =>
        setUntil((before) => {
          const next = (before ?? months.first - 1) + 1;
          if (next < months.last) return next;
          setPlaying(false);
          return null;
        }),
      MONTH_MS,
    );
    return () => clearInterval(step);
  }, [playing, months]);
  return { months, until, playing, play: setPlaying, show: setUntil };
}

export function TimeBar({ head, time }: { head: Head; time: Timeline }) {
  const { months, until, playing, play, show } = time;
  if (!months) return null;
  return (
    <div class="time">
      <button type="button" onClick={() => play(!playing)}>
        {playing ? "Stop" : "Play"}
      </button>
      <label>
        <span class="unseen">Made until</span>
        <input
          type="range"
          min={months.first}
          max={months.last}
          value={until ?? months.last}
          aria-valuetext={until === null ? "all" : monthWords(head, until)}
          onInput={(event) => {
            const wanted = Number(event.currentTarget.value);
            play(false);
            show(wanted >= months.last ? null : wanted);
          }}
        />
      </label>
      <output>{until === null ? "all times" : `until ${monthWords(head, until)}; of unknown age: left out`}</output>
    </div>
  );
}
