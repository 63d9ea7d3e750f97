/** This file knows which model lies under the pointer: while the pointer moves over a resting map, and after the map moved under a resting pointer. */
import type { RefObject } from "preact";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ask } from "../../ask";
import { AtPoints, type Pin } from "../../operations";
import type { Camera, Screen } from "./camera";
import type { Drawing } from "./draw";

const HOVER_MS = 60;
const REST_MS = 140;

export interface Hovered {
  pin: Pin;
  x: number;
  y: number;
}

/** What is under the pointer, in pixels of the canvas, and what tells where the pointer went. */
export function useHover(drawing: RefObject<Drawing | null>, screen: RefObject<Screen>, camera: Camera) {
  const [hovered, setHovered] = useState<Hovered | null>(null);
  const pointer = useRef<{ x: number; y: number } | null>(null);
  const point = useRef<number | null>(null);
  const asking = useRef(0);
  const now = useRef(camera);
  now.current = camera;

  const forget = useCallback(() => {
    clearTimeout(asking.current);
    point.current = null;
    setHovered(null);
  }, []);
  const over = useCallback(
    (x: number, y: number) => {
      pointer.current = { x, y };
      const found = drawing.current?.pick(now.current, screen.current ?? { width: 0, height: 0 }, x, y) ?? null;
      if (found === point.current) return;
      forget();
      point.current = found;
      if (found === null) return;
      asking.current = setTimeout(async () => {
        const answer = await ask(AtPoints, { points: [found] }).catch(() => null);
        const model = answer?.atPoints[0];
        if (model && point.current === found) setHovered({ pin: model, x, y });
      }, HOVER_MS);
    },
    [drawing, screen, forget],
  );
  const left = useCallback(() => {
    pointer.current = null;
    forget();
  }, [forget]);

  useEffect(() => {
    forget();
    const later = setTimeout(() => pointer.current && over(pointer.current.x, pointer.current.y), REST_MS);
    return () => clearTimeout(later);
  }, [camera, forget, over]);

  return { hovered, over, left, forget };
}
