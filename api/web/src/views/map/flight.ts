/** This file knows how the map flies from one place to another, and that whoever asked for less motion is taken there at once. */
import type { RefObject } from "preact";
import { useCallback, useRef } from "preact/hooks";
import { between, type Camera } from "./camera";

const FLIGHT_MS = 1100;

export interface Flight {
  fly(to: Camera): void;
  /** Stay where the flight is now. */
  stop(): void;
}

export function useFlight(now: RefObject<Camera>, setCamera: (camera: Camera) => void): Flight {
  const frame = useRef(0);
  const stop = useCallback(() => cancelAnimationFrame(frame.current), []);
  const fly = useCallback(
    (to: Camera) => {
      stop();
      const from = now.current;
      if (!from || matchMedia("(prefers-reduced-motion: reduce)").matches) {
        setCamera(to);
        return;
      }
      const begun = performance.now();
      const step = (time: number) => {
        const part = Math.min(1, Math.max(0, (time - begun) / FLIGHT_MS));
        setCamera(part === 1 ? to : between(from, to, part));
        if (part < 1) frame.current = requestAnimationFrame(step);
      };
      frame.current = requestAnimationFrame(step);
    },
    [now, setCamera, stop],
  );
  return { fly, stop };
}
