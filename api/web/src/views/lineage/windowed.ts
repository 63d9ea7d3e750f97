/** This file knows which rows of a long table are in the page: those in sight and some around them; all are equally high. */
import type { RefObject } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";

const AROUND = 12; // rows above and below what is in sight

export interface Span {
  first: number;
  /** One past the last. */
  end: number;
}

/** The rows to draw when a box of this height is scrolled so far. */
export function spanOf(rows: number, top: number, height: number, row: number): Span {
  const end = Math.min(rows, Math.ceil((top + height) / row) + AROUND);
  return { first: Math.max(0, Math.min(Math.floor(top / row) - AROUND, end)), end };
}

/** The rows in sight of a box that scrolls; they follow it. */
export function useSpan(box: RefObject<HTMLElement | null>, rows: number, row: number): Span {
  const [span, setSpan] = useState<Span>(() => spanOf(rows, 0, 1000, row));
  useLayoutEffect(() => {
    const here = box.current;
    if (!here) return;
    let waiting = 0;
    const look = () => {
      waiting = 0;
      const next = spanOf(rows, here.scrollTop, here.clientHeight, row);
      setSpan((before) => (before.first === next.first && before.end === next.end ? before : next));
    };
    const later = () => {
      waiting ||= requestAnimationFrame(look);
    };
    look();
    here.addEventListener("scroll", later, { passive: true });
    const watch = new ResizeObserver(later);
    watch.observe(here);
    return () => {
      here.removeEventListener("scroll", later);
      watch.disconnect();
      cancelAnimationFrame(waiting);
    };
  }, [box, rows, row]);
  return span;
}
