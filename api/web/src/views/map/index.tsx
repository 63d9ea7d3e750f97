/** This file knows the view of the map: what is loaded when, what moves it, and what is said about a point. */
import "./map.css";
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { ask, useAnswer } from "../../ask";
import { AtPoints, PinOf } from "../../operations";
import { ModelBox } from "../../parts/model-box";
import { go, usePlace, withQuery } from "../../place";
import { count } from "../../words";
import { type Camera, type Screen, WHOLE } from "./camera";
import { CHOICES, type Colouring, legendOf, paletteOf } from "./colours";
import { Drawing } from "./draw";
import { addressOf, type Head, NoMap, pointsWith, readCells, readCode, readHead, readTier } from "./files";
import { useFlight } from "./flight";
import { useGestures } from "./gestures";
import { useHover } from "./hover";
import { labelsFor } from "./labels";
import { LegendOf } from "./legend";
import { PinCard } from "./pin-card";
import { monthWords, TimeBar, useTimeline } from "./timeline";

const REST_MS = 140;
const NEAR = 90; // zoom at the end of a flight, at least

declare global {
  interface Window {
    /** For tests and measurements: what is drawn, and where a point is. */
    stemmaMap?: { drawing: Drawing; screen(): Screen; camera(): Camera; ready: number };
  }
}

export default function MapView() {
  const [head, setHead] = useState<Head | null>(null);
  const [failed, setFailed] = useState<string | null>(null);
  useEffect(() => {
    readHead().then(setHead, (error: unknown) =>
      setFailed(error instanceof NoMap ? error.message : "The service cannot be reached. Is it still running?"),
    );
  }, []);
  if (failed)
    return (
      <div class="notice">
        <h1>No map</h1>
        <p>{failed}</p>
      </div>
    );
  if (!head) return <p class="quiet waiting">Loading the map …</p>;
  return <Atlas key={head.snapshot} head={head} />;
}

function inAddress(query: URLSearchParams): Camera {
  const [x, y, zoom] = (query.get("view") ?? "").split(",").map(Number);
  return [x, y, zoom].every((each) => each !== undefined && Number.isFinite(each)) && zoom && zoom > 0
    ? { x: x ?? 0.5, y: y ?? 0.5, zoom }
    : WHOLE;
}

function Atlas({ head }: { head: Head }) {
  const { query } = usePlace();
  const canvas = useRef<HTMLCanvasElement>(null);
  const drawing = useRef<Drawing | null>(null);
  const screen = useRef<Screen>({ width: 800, height: 600 });
  const [camera, setCamera] = useState<Camera>(() => inAddress(query));
  const now = useRef(camera);
  now.current = camera;
  const [ready, setReady] = useState(0); // tiers on the screen
  const [still, setStill] = useState(false); // no WebGL 2
  const { hovered, over, left, forget } = useHover(drawing, screen, camera);
  const [only, setOnly] = useState<ReadonlySet<number>>(new Set());
  const colouring = CHOICES.find(([name]) => name === query.get("colour"))?.[0] ?? "family";
  const text = query.get("q") ?? "";
  const at = query.get("at");
  const pinned = useAnswer(PinOf, at ? { id: at } : null).data?.model ?? null;
  const pin = at ? pinned : null;

  // frames: one at a time, quick ones while something moves, a whole one when it rests
  const frame = useRef(0);
  const rest = useRef(0);
  const redraw = useCallback((moving: boolean) => {
    cancelAnimationFrame(frame.current);
    clearTimeout(rest.current);
    frame.current = requestAnimationFrame(() => drawing.current?.draw(now.current, screen.current, moving));
    if (moving) rest.current = setTimeout(() => redraw(false), REST_MS);
  }, []);

  useEffect(() => {
    const box = canvas.current;
    if (!box) return;
    screen.current = { width: box.clientWidth, height: box.clientHeight };
    const made = Drawing.on(box, head);
    if (!made) {
      setStill(true);
      return;
    }
    drawing.current = made;
    let current = true;
    const load = async () => {
      const cells = readCells(head);
      for (let tier = 0; tier < head.tiers.length; tier++) {
        const [points, offsets] = await Promise.all([readTier(head, tier), cells]);
        if (!current) return;
        const each = head.cells * head.cells + 1;
        made.add(points, offsets.subarray(tier * each, (tier + 1) * each));
        made.draw(now.current, screen.current, false);
        if (window.stemmaMap) window.stemmaMap.ready = tier + 1;
        setReady(tier + 1);
      }
    };
    window.stemmaMap = { drawing: made, screen: () => screen.current, camera: () => now.current, ready: 0 };
    made.paint(paletteOf(head, "family", new Set()));
    load().catch(() => current && setStill(true));
    const watch = new ResizeObserver(() => {
      screen.current = { width: box.clientWidth, height: box.clientHeight };
      setCamera((before) => ({ ...before }));
    });
    watch.observe(box);
    return () => {
      current = false;
      watch.disconnect();
      delete window.stemmaMap;
    };
  }, [head]);

  useEffect(() => redraw(true), [camera, redraw]);
  useEffect(() => {
    const later = setTimeout(() => {
      const view = [camera.x.toFixed(5), camera.y.toFixed(5), camera.zoom.toFixed(2)].join(",");
      const whole = camera.zoom === 1 && camera.x === 0.5 && camera.y === 0.5;
      go(withQuery({ view: whole ? null : view }), { replace: true });
    }, 400);
    return () => clearTimeout(later);
  }, [camera]);

  // colours and filter
  useEffect(() => {
    const made = drawing.current;
    if (!made || ready === 0) return;
    let current = true;
    const paint = async () => {
      const codes =
        colouring === "family"
          ? null
          : await Promise.all(head.tiers.slice(0, ready).map((_, tier) => readCode(head, colouring, tier)));
      if (!current) return;
      if (codes) for (const [tier, values] of codes.entries()) made.set(tier, "code", values);
      else made.familyColours();
      made.paint(paletteOf(head, colouring, only));
      redraw(false);
    };
    paint().catch(() => undefined);
    return () => {
      current = false;
    };
  }, [head, colouring, only, ready, redraw]);

  const time = useTimeline(head, drawing, ready, redraw);

  // what has a text in its name stays lit
  useEffect(() => {
    const made = drawing.current;
    if (!made || ready === 0) return;
    const stop = new AbortController();
    const later = setTimeout(async () => {
      const found = text.length >= 2 ? await pointsWith(text, stop.signal).catch(() => null) : null;
      if (stop.signal.aborted) return;
      made.mark(found);
      redraw(false);
    }, 150);
    return () => {
      stop.abort();
      clearTimeout(later);
    };
  }, [text, ready, redraw]);

  const { fly, stop } = useFlight(now, setCamera);
  const led = useRef(false);
  const lead = useCallback(
    async (id: string) => {
      led.current = true;
      go(withQuery({ at: id }), { replace: true });
      const spot = (await ask(PinOf, { id }).catch(() => null))?.model?.spot;
      if (spot) fly({ x: spot.x, y: spot.y, zoom: Math.max(NEAR, now.current.zoom) });
    },
    [fly],
  );
  useEffect(() => {
    // a shared address that names a model and no view flies there
    if (led.current || !pin?.spot || ready === 0) return;
    led.current = true;
    if (!query.has("view")) fly({ x: pin.spot.x, y: pin.spot.y, zoom: NEAR });
  }, [pin, ready, query, fly]);

  const hand = useGestures({
    canvas,
    screen,
    setCamera,
    begun: stop,
    over,
    clicked: async (x, y) => {
      const found = drawing.current?.pick(now.current, screen.current, x, y) ?? null;
      const model = found === null ? null : (await ask(AtPoints, { points: [found] }).catch(() => null))?.atPoints[0];
      go(withQuery({ at: model?.id ?? null }), { replace: true });
      forget();
    },
  });
  const labels = useMemo(() => labelsFor(head, camera, screen.current), [head, camera]);
  const mark =
    pin?.spot && drawing.current && ready > 0 ? drawing.current.where(camera, screen.current, pin.spot.point) : null;
  return (
    <>
      <h1 class="unseen">The map of {count(head.models)} models</h1>
      <div class="atlas">
        <canvas
          ref={canvas}
          tabIndex={0}
          {...{ role: "application" }}
          aria-label="Map of all models. Arrow keys move it, plus and minus go nearer and farther, 0 shows the whole."
          onPointerDown={hand.down}
          onPointerMove={hand.move}
          onPointerUp={hand.up}
          onPointerCancel={hand.up}
          onPointerLeave={left}
          onDblClick={(event) => hand.nearer(2.2, { x: event.offsetX, y: event.offsetY })}
          onKeyDown={hand.key}
          data-ready={ready}
        />
        {still && (
          <figure class="still">
            <img src={addressOf(head, "still.png")} alt={`All ${count(head.models)} models; each disc is a family`} />
            <figcaption>
              This browser draws no WebGL 2, so the map stands still. <a href="/">Search</a> finds every model all the
              same.
            </figcaption>
          </figure>
        )}
        {!still && (
          <div class="labels" aria-hidden="true">
            {labels.map((label) => (
              <span
                key={label.kind + (label.id ?? label.words)}
                class={label.kind}
                style={{
                  transform: `translate(-50%, -50%) translate(${label.x.toFixed(1)}px, ${label.y.toFixed(1)}px)`,
                }}
              >
                {label.words}
              </span>
            ))}
            {mark && (
              <i class="marker" style={{ transform: `translate(${mark[0].toFixed(1)}px, ${mark[1].toFixed(1)}px)` }} />
            )}
          </div>
        )}
        {hovered && !pin && <PinCard model={hovered.pin} at={hovered} screen={screen.current} />}
        {pin && <PinCard model={pin} close={() => go(withQuery({ at: null }), { replace: true })} />}
        <div class="controls">
          <ModelBox
            label="Find a model on the map"
            placeholder="Find a model"
            text={text}
            typed={(now) => go(withQuery({ q: now || null }), { replace: true })}
            chosen={lead}
          />
          <label class="colouring">
            <span>Colour</span>
            <select
              value={colouring}
              onChange={(event) => {
                const wanted = event.currentTarget.value as Colouring;
                setOnly(new Set());
                go(withQuery({ colour: wanted === "family" ? null : wanted }), { replace: true });
              }}
            >
              {CHOICES.map(([value, words]) => (
                <option key={value} value={value}>
                  {words}
                </option>
              ))}
            </select>
          </label>
          <LegendOf
            head={head}
            colouring={colouring}
            entries={legendOf(head, colouring)}
            only={only}
            choose={setOnly}
            month={(code) => monthWords(head, code)}
          />
        </div>
        <div class="zoom">
          <button type="button" aria-label="Nearer" onClick={() => hand.nearer(1.8)}>
            +
          </button>
          <button type="button" aria-label="Farther" onClick={() => hand.nearer(1 / 1.8)}>
            −
          </button>
          <button type="button" aria-label="The whole map" onClick={() => fly(WHOLE)}>
            ⌂
          </button>
        </div>
        <TimeBar head={head} time={time} />
      </div>
    </>
  );
}
