/** This file knows the picture: a point a model with the interval of its ability, and the frontier along the lower ends. */
import { useEffect, useRef, useState } from "preact/hooks";
import { modelAddress } from "../../addresses";
import { go } from "../../place";
import { type Against, dateTicks, type Point, sizeTicks, spanOf, ticksOf } from "./points";

const EDGE = { left: 46, right: 14, top: 14, bottom: 44 };
const NEAR = 18; // px from the pointer to what it means
const PER_TICK = 74; // px

function useWidth(): [(node: Element | null) => void, number] {
  const [width, setWidth] = useState(760);
  const watching = useRef<ResizeObserver | null>(null);
  const watch = (node: Element | null) => {
    watching.current?.disconnect();
    if (!node) return;
    watching.current = new ResizeObserver(([entry]) => {
      if (entry) setWidth(Math.max(280, Math.round(entry.contentRect.width)));
    });
    watching.current.observe(node);
  };
  const kept = useRef(watch);
  return [kept.current, width];
}

interface Props {
  points: readonly Point[];
  best: readonly Point[];
  against: Against;
  /** What the picture shows, for those who do not see it. */
  about: string;
}

export function Plot({ points, best, against, about }: Props) {
  const [box, width] = useWidth();
  const [under, setUnder] = useState<Point | null>(null);
  useEffect(() => setUnder(null), [points]);
  const height = Math.round(Math.min(460, Math.max(280, width * 0.55)));
  const day = 86_400_000;
  const across = spanOf(
    points.map(({ x }) => x),
    against === "date" ? 20 * day : 0.15,
  );
  const upwards = spanOf(
    points.flatMap(({ index, low }) => [low, 2 * index - low]),
    1,
  );
  const right = width - EDGE.right;
  const foot = height - EDGE.bottom;
  const x = (value: number) => EDGE.left + ((value - across.from) / (across.to - across.from)) * (right - EDGE.left);
  const y = (value: number) => foot - ((value - upwards.from) / (upwards.to - upwards.from)) * (foot - EDGE.top);
  const most = Math.floor((right - EDGE.left) / PER_TICK);
  const below = against === "date" ? dateTicks(across, most) : sizeTicks(across, most);
  const first = new Set(best.map(({ id }) => id));
  const steps = best.map(
    (point, place) => `${place === 0 ? `M${x(point.x)} ${y(point.low)}` : `H${x(point.x)}V${y(point.low)}`}`,
  );
  const nearest = (event: PointerEvent & { currentTarget: SVGSVGElement }): Point | null => {
    const place = event.currentTarget.getBoundingClientRect();
    const away = (point: Point) =>
      Math.hypot(x(point.x) - event.clientX + place.left, y(point.index) - event.clientY + place.top);
    const found = points.reduce<Point | null>((a, b) => (a && away(a) <= away(b) ? a : b), null);
    return found && away(found) <= NEAR ? found : null;
  };
  const leave = () => setUnder(null);
  return (
    <div ref={box} class="plot">
      <svg
        role="img"
        aria-label={about}
        width={width}
        height={height}
        class={under ? "over" : undefined}
        onPointerMove={(event) => setUnder(nearest(event))}
        onPointerLeave={leave}
        onPointerUp={(event) => {
          const found = nearest(event);
          if (found && event.button === 0) go(modelAddress(found.id));
        }}
      >
        {ticksOf(upwards, 8).map(({ at, words }) => (
          <g key={at}>
            <line class="grid" x1={EDGE.left} x2={right} y1={y(at)} y2={y(at)} />
            <text x={EDGE.left - 8} y={y(at) + 4} class="end">
              {words}
            </text>
          </g>
        ))}
        {below.map(({ at, words }) => (
          <g key={at}>
            <line class="grid" x1={x(at)} x2={x(at)} y1={EDGE.top} y2={foot} />
            <text x={x(at)} y={foot + 18} class="middle">
              {words}
            </text>
          </g>
        ))}
        <text x={(EDGE.left + right) / 2} y={height - 6} class="middle">
          {against === "date" ? "made" : "parameters"}
        </text>
        {points.map((point) => (
          <line
            key={point.id}
            class="interval"
            x1={x(point.x)}
            x2={x(point.x)}
            y1={y(point.low)}
            y2={y(2 * point.index - point.low)}
          />
        ))}
        {best.length > 0 && <path class="frontier" d={`${steps.join("")}H${right}`} />}
        {points.map((point) => (
          <circle
            key={point.id}
            class={first.has(point.id) ? "point best" : "point"}
            cx={x(point.x)}
            cy={y(point.index)}
            r={first.has(point.id) ? 5 : 3.5}
          />
        ))}
        {under && <circle class="under" cx={x(under.x)} cy={y(under.index)} r={9} />}
      </svg>
      <p class="small quiet said">
        {under ? (
          <>
            <strong>{under.id}</strong> {under.text}
          </>
        ) : (
          "A point a model, with the interval that its ability lies in; the line is the frontier of the lower ends."
        )}
      </p>
    </div>
  );
}
