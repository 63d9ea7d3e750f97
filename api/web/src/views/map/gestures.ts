/** This file knows how the map is moved by hand: dragged, pinched by two fingers, wheeled, and by keys. */
import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { type Camera, moved, type Screen, WHOLE, zoomed } from "./camera";

const CLICK_PIXELS = 4; // a press that moved less is a click
const KEY_PIXELS = 80;
const KEY_ZOOM = 1.5;

interface Spot {
  x: number;
  y: number;
}

interface Heard {
  canvas: RefObject<HTMLCanvasElement | null>;
  screen: RefObject<Screen>;
  setCamera(change: (before: Camera) => Camera): void;
  /** A press begins. */
  begun(): void;
  /** The pointer goes over the resting map. */
  over(x: number, y: number): void;
  clicked(x: number, y: number): void;
}

export interface Gestures {
  down(event: PointerEvent): void;
  move(event: PointerEvent): void;
  up(event: PointerEvent): void;
  key(event: KeyboardEvent): void;
  /** Go nearer, or farther below 1, at a spot or in the middle. */
  nearer(factor: number, at?: Spot): void;
}

export function useGestures({ canvas, screen, setCamera, begun, over, clicked }: Heard): Gestures {
  const size = (): Screen => screen.current ?? { width: 1, height: 1 };
  const drag = useRef<(Spot & { far: number }) | null>(null);
  const touches = useRef(new Map<number, Spot>());
  useEffect(() => {
    const box = canvas.current;
    if (!box) return;
    const wheel = (event: WheelEvent) => {
      event.preventDefault();
      const factor = Math.exp(-event.deltaY * (event.deltaMode === 1 ? 0.05 : 0.0022));
      setCamera((before) =>
        zoomed(before, screen.current ?? { width: 1, height: 1 }, factor, event.offsetX, event.offsetY),
      );
    };
    box.addEventListener("wheel", wheel, { passive: false });
    return () => box.removeEventListener("wheel", wheel);
  }, [canvas, screen, setCamera]);

  const nearer = (factor: number, at: Spot = { x: size().width / 2, y: size().height / 2 }) =>
    setCamera((before) => zoomed(before, size(), factor, at.x, at.y));
  const down = (event: PointerEvent) => {
    canvas.current?.setPointerCapture(event.pointerId);
    touches.current.set(event.pointerId, { x: event.offsetX, y: event.offsetY });
    drag.current = { x: event.offsetX, y: event.offsetY, far: 0 };
    begun();
  };
  const move = (event: PointerEvent) => {
    const from = drag.current;
    const here = { x: event.offsetX, y: event.offsetY };
    if (!from) {
      over(here.x, here.y);
      return;
    }
    const own = touches.current.get(event.pointerId);
    const other = [...touches.current].find(([id]) => id !== event.pointerId)?.[1];
    if (own && other) {
      const before = Math.hypot(own.x - other.x, own.y - other.y);
      const after = Math.hypot(here.x - other.x, here.y - other.y);
      if (before > 0) nearer(after / before, { x: (own.x + other.x) / 2, y: (own.y + other.y) / 2 });
    } else {
      const [dx, dy] = [here.x - from.x, here.y - from.y];
      setCamera((before) => moved(before, size(), dx, dy));
      from.far += Math.hypot(dx, dy);
      from.x = here.x;
      from.y = here.y;
    }
    touches.current.set(event.pointerId, here);
  };
  const up = (event: PointerEvent) => {
    const from = drag.current;
    drag.current = null;
    touches.current.delete(event.pointerId);
    if (from && from.far <= CLICK_PIXELS) clicked(event.offsetX, event.offsetY);
  };
  const key = (event: KeyboardEvent) => {
    const by = (x: number, y: number) => () => setCamera((before) => moved(before, size(), x, y));
    const steps: Record<string, () => void> = {
      ArrowLeft: by(KEY_PIXELS, 0),
      ArrowRight: by(-KEY_PIXELS, 0),
      ArrowUp: by(0, KEY_PIXELS),
      ArrowDown: by(0, -KEY_PIXELS),
      "+": () => nearer(KEY_ZOOM),
      "=": () => nearer(KEY_ZOOM),
      "-": () => nearer(1 / KEY_ZOOM),
      "0": () => setCamera(() => WHOLE),
    };
    const step = steps[event.key];
    if (!step) return;
    event.preventDefault();
    step();
  };
  return { down, move, up, key, nearer };
}
