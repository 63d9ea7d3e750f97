/** This file knows the window onto the picture: scrolling, dragging, the keyboard of a tree, and what stays in sight. */
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Drawn } from "./drawn";
import type { Scene } from "./layout";
import { Picture } from "./picture";
import { HEIGHT, LEFT, type Measures, ROW, TOP } from "./place";

interface Props {
  scene: Scene;
  drawn: Drawn;
  measures: Measures;
  focus: string;
  active: string;
  path: ReadonlySet<string>;
  found: ReadonlySet<string>;
  /** Whether an item can be opened (false: is closed), folded (true), or neither. */
  opened(key: string): boolean | null;
  select(key: string): void;
  move(key: string): void;
  toggle(key: string): void;
}

const DRAGGED = 4; // pixels before a press is a drag

export function Stage({ scene, drawn, measures, focus, active, path, found, opened, select, move, toggle }: Props) {
  const stage = useRef<HTMLDivElement>(null);
  const [sight, setSight] = useState({ top: 0, height: 800, left: 0 });
  const [hovered, setHovered] = useState<string | null>(null);
  const wanted = useRef<string | null>(null); // what the keyboard went to and is not focused yet
  const hot = new Set<string>();
  const parents = useMemo(() => new Map(scene.items.map((item) => [item.key, item.parent])), [scene]);
  for (let at: string | null | undefined = hovered; at; at = parents.get(at)) hot.add(at);

  useLayoutEffect(() => {
    const box = stage.current;
    if (!box) return;
    let waiting = 0;
    const look = () => {
      waiting = 0;
      setSight({ top: box.scrollTop, height: box.clientHeight, left: box.scrollLeft });
    };
    const later = () => {
      waiting ||= requestAnimationFrame(look);
    };
    look();
    box.addEventListener("scroll", later, { passive: true });
    const watch = new ResizeObserver(later);
    watch.observe(box);
    return () => {
      box.removeEventListener("scroll", later);
      watch.disconnect();
      cancelAnimationFrame(waiting);
    };
  }, []);

  // bring what the keyboard, a search or a link leads to into sight
  const shown = useRef("");
  useLayoutEffect(() => {
    const box = stage.current;
    if (!box || (shown.current === active && wanted.current !== active)) return;
    const item = scene.items.find((each) => each.key === active);
    if (!item) return;
    const first = shown.current === "";
    shown.current = active;
    const y = TOP + item.row * ROW;
    const x = measures.x(item);
    if (first) {
      box.scrollTop = Math.max(0, Math.min(y, TOP + item.first * ROW + box.clientHeight / 2) - box.clientHeight / 2);
      box.scrollLeft = Math.max(0, x - LEFT - (box.clientWidth > 900 ? 340 : 0));
    } else if (item.first === item.last) {
      if (y < box.scrollTop + 8) box.scrollTop = y - 60;
      else if (y + HEIGHT > box.scrollTop + box.clientHeight - 16) box.scrollTop = y + HEIGHT + 60 - box.clientHeight;
    } else if (TOP + item.last * ROW < box.scrollTop) box.scrollTop = TOP + item.last * ROW - 60;
    else if (TOP + item.first * ROW > box.scrollTop + box.clientHeight - HEIGHT)
      box.scrollTop = TOP + item.first * ROW - 60;
    if (!first) {
      if (x < box.scrollLeft) box.scrollLeft = x - 40;
      else if (x + 300 > box.scrollLeft + box.clientWidth) box.scrollLeft = x + 340 - box.clientWidth;
    }
    setSight({ top: box.scrollTop, height: box.clientHeight, left: box.scrollLeft });
  });
  useEffect(() => {
    if (wanted.current !== active) return;
    wanted.current = null;
    stage.current?.querySelector<SVGElement>('[role="treeitem"][tabindex="0"]')?.focus({ preventScroll: true });
  });

  function key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const order = [...scene.items].sort((a, b) => a.row - b.row || a.column - b.column);
    const at = order.findIndex((item) => item.key === active);
    const now = order[at];
    if (!now) return;
    const child = scene.items.find((item) => item.parent === now.key);
    const siblings = scene.items.filter((item) => item.parent === now.parent && item.column === now.column);
    const beside = siblings.findIndex((item) => item.key === now.key);
    const steps: Record<string, () => string | null | undefined> = {
      ArrowDown: () => siblings[beside + 1]?.key ?? order.slice(at + 1).find((item) => item.column >= now.column)?.key,
      ArrowUp: () =>
        siblings[beside - 1]?.key ??
        order
          .slice(0, at)
          .reverse()
          .find((item) => item.column <= now.column)?.key,
      ArrowRight: () => child?.key,
      ArrowLeft: () => now.parent,
      Home: () => scene.items[0]?.key,
      End: () => order[order.length - 1]?.key,
    };
    const step = steps[event.key];
    if (event.key === " ") wanted.current = now.key;
    if (event.key === "Enter") select(now.key);
    else if (event.key === " ") toggle(now.key);
    else if (event.key === "ArrowRight" && !child && opened(now.key) === false) toggle(now.key);
    else if (!step) return;
    else {
      const next = step() ?? now.key;
      wanted.current = next;
      move(next);
    }
    event.preventDefault();
  }

  const drag = useRef<{ x: number; y: number; left: number; top: number; far: boolean } | null>(null);
  const hover = useCallback((over: string | null) => {
    if (!drag.current) setHovered(over);
  }, []);
  const chosen = useCallback(
    (one: string) => {
      if (!drag.current?.far) select(one);
    },
    [select],
  );
  const look = {
    top: sight.top,
    bottom: sight.top + sight.height,
    active,
    hot,
    path,
    found,
    focus,
    select: chosen,
    toggle,
    hover,
  };
  return (
    <div class="window">
      <div class="ticks" aria-hidden="true">
        {measures.ticks.map(({ x, words }) => (
          <span key={words} style={{ left: `${x - sight.left}px` }}>
            {words}
          </span>
        ))}
      </div>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: a place to drag; the tree inside has the roles and hears the keys */}
      <div
        class="stage"
        ref={stage}
        onKeyDown={key}
        onFocusIn={(event) => {
          const over = event.target instanceof Element ? event.target.getAttribute("data-key") : null;
          if (over) setHovered(over);
        }}
        onPointerDown={(event) => {
          const box = stage.current;
          if (!box || event.button !== 0 || event.pointerType === "touch") return;
          drag.current = { x: event.clientX, y: event.clientY, left: box.scrollLeft, top: box.scrollTop, far: false };
        }}
        onPointerMove={(event) => {
          const box = stage.current;
          const from = drag.current;
          if (!box || !from || event.buttons === 0) return;
          if (!from.far && Math.hypot(event.clientX - from.x, event.clientY - from.y) < DRAGGED) return;
          if (!from.far) box.setPointerCapture(event.pointerId);
          from.far = true;
          box.scrollLeft = from.left - (event.clientX - from.x);
          box.scrollTop = from.top - (event.clientY - from.y);
        }}
        onPointerUp={() => {
          // the click that follows must still know that it ends a drag
          setTimeout(() => {
            drag.current = null;
          });
        }}
      >
        <Picture scene={scene} drawn={drawn} measures={measures} look={look} />
      </div>
    </div>
  );
}
