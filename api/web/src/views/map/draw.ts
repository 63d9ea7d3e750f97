/** This file knows how points are drawn: WebGL 2, one buffer a tier, only runs of cells in sight, and only as many as are quick. */
import { type Camera, runs, type Screen, scale, toMap, toScreen } from "./camera";
import type { Head, Tier } from "./files";

const VERTEX = `#version 300 es
layout(location=0) in vec2 place;layout(location=1) in float code;layout(location=2) in float size;
layout(location=3) in float month;layout(location=4) in float marked;
uniform vec4 view;uniform float pixels;uniform float until;uniform float searching;uniform sampler2D palette;
out vec4 colour;
void main(){
  vec4 own=texelFetch(palette,ivec2(int(code*255.+.5),0),0);
  float born=month*255.;
  float lit=searching>.5?(marked>.5?1.:.1):1.;
  bool later=born>until+.5&&(born<254.5||until<253.5);
  gl_Position=later?vec4(2.,2.,2.,1.):vec4((place-view.xy)*view.zw,0.,1.);
  float extra=searching>.5&&marked>.5?2.5:0.;
  gl_PointSize=clamp(pixels*(.6+3.6*size*size),1.15,22.)+extra;
  colour=vec4(own.rgb,own.a*lit);
}`;
const FRAGMENT = `#version 300 es
precision mediump float;in vec4 colour;out vec4 shown;
void main(){vec2 from=gl_PointCoord-.5;float far=dot(from,from);if(far>.25)discard;shown=vec4(colour.rgb,colour.a*smoothstep(.25,.17,far));}`;

const ATTRIBUTES = ["place", "code", "size", "month", "marked"] as const;
const MOST = 6_000_000; // points a frame
const QUICK_MS = 28; // of a frame while the map moves

interface Loaded {
  tier: Tier;
  offsets: Uint32Array;
  array: WebGLVertexArrayObject;
  buffers: Record<(typeof ATTRIBUTES)[number], WebGLBuffer>;
}

export class Drawing {
  private readonly gl: WebGL2RenderingContext;
  private readonly uniforms: Record<string, WebGLUniformLocation | null> = {};
  private readonly loaded: Loaded[] = [];
  private pointsPerMs = 0; // measured
  /** How many points the last frame had. */
  points = 0;
  /** The last month drawn, counted from the first year; 255 for all. */
  until = 255;
  searching = false;

  /** Null where the browser has no WebGL 2. */
  static on(canvas: HTMLCanvasElement, head: Head): Drawing | null {
    const gl = canvas.getContext("webgl2", { antialias: false, alpha: false, preserveDrawingBuffer: true });
    return gl && new Drawing(gl, canvas, head);
  }

  private constructor(
    gl: WebGL2RenderingContext,
    private readonly canvas: HTMLCanvasElement,
    private readonly head: Head,
  ) {
    this.gl = gl;
    const program = gl.createProgram();
    for (const [kind, text] of [
      [gl.VERTEX_SHADER, VERTEX],
      [gl.FRAGMENT_SHADER, FRAGMENT],
    ] as const) {
      const shader = gl.createShader(kind);
      if (!shader) throw new Error("the graphics context is lost");
      gl.shaderSource(shader, text);
      gl.compileShader(shader);
      if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(shader) ?? "shader");
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    gl.useProgram(program);
    for (const name of ["view", "pixels", "until", "searching", "palette"])
      this.uniforms[name] = gl.getUniformLocation(program, name);
    gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.SRC_ALPHA, gl.ONE_MINUS_SRC_ALPHA);
    gl.clearColor(11 / 255, 14 / 255, 21 / 255, 1);
  }

  /** (256 times red, green, blue, alpha) of the codes. */
  paint(palette: Uint8Array): void {
    const { gl } = this;
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, 256, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, palette);
  }

  add(tier: Tier, offsets: Uint32Array): void {
    const { gl } = this;
    const array = gl.createVertexArray();
    gl.bindVertexArray(array);
    const none = new Uint8Array(tier.count);
    const buffers = {
      place: this.attribute(0, 2, tier.places, gl.UNSIGNED_SHORT),
      code: this.attribute(1, 1, tier.colours, gl.UNSIGNED_BYTE),
      size: this.attribute(2, 1, tier.sizes, gl.UNSIGNED_BYTE),
      month: this.attribute(3, 1, none, gl.UNSIGNED_BYTE),
      marked: this.attribute(4, 1, none, gl.UNSIGNED_BYTE),
    };
    this.loaded.push({ tier, offsets, array, buffers });
  }

  private attribute(at: number, parts: number, data: Uint8Array | Uint16Array, kind: number): WebGLBuffer {
    const { gl } = this;
    const buffer = gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.bufferData(gl.ARRAY_BUFFER, data, gl.STATIC_DRAW);
    gl.enableVertexAttribArray(at);
    gl.vertexAttribPointer(at, parts, kind, true, 0, 0);
    return buffer;
  }

  /** Other values of an attribute, a byte a point of one tier. */
  set(tier: number, name: "code" | "month" | "marked", values: Uint8Array): void {
    const one = this.loaded[tier];
    if (!one || values.length !== one.tier.count) return;
    this.gl.bindBuffer(this.gl.ARRAY_BUFFER, one.buffers[name]);
    this.gl.bufferData(this.gl.ARRAY_BUFFER, values, this.gl.STATIC_DRAW);
  }

  /** The colours of families, as they came with the points. */
  familyColours(): void {
    for (const [at, { tier }] of this.loaded.entries()) this.set(at, "code", tier.colours);
  }

  /** Light these points up and dim the others; null lights all. The numbers ascend. */
  mark(points: Uint32Array | null): void {
    this.searching = points !== null;
    let next = 0;
    for (const [at, { tier }] of this.loaded.entries()) {
      const marked = new Uint8Array(tier.count);
      if (points)
        for (; next < points.length; next++) {
          const point = (points[next] ?? 0) - tier.begin;
          if (point >= tier.count) break;
          marked[point] = 255;
        }
      if (points || at === 0) this.set(at, "marked", marked);
    }
  }

  /** Draw what is in sight. While the map moves, only the tiers that are quick; the rest when it rests. */
  draw(camera: Camera, screen: Screen, moving: boolean): void {
    const { gl, canvas } = this;
    const begun = performance.now();
    const fine = Math.min(2, devicePixelRatio);
    if (canvas.width !== Math.round(screen.width * fine) || canvas.height !== Math.round(screen.height * fine)) {
      canvas.width = Math.round(screen.width * fine);
      canvas.height = Math.round(screen.height * fine);
    }
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.clear(gl.COLOR_BUFFER_BIT);
    const side = scale(camera, screen);
    gl.uniform4f(
      this.uniforms.view ?? null,
      camera.x,
      camera.y,
      (2 * side) / screen.width,
      (-2 * side) / screen.height,
    );
    gl.uniform1f(
      this.uniforms.pixels ?? null,
      fine * Math.max(0.9, Math.min(6, (side / Math.sqrt(this.head.models)) * 0.5)),
    );
    gl.uniform1f(this.uniforms.until ?? null, this.until);
    gl.uniform1f(this.uniforms.searching ?? null, this.searching ? 1 : 0);
    const budget = moving && this.pointsPerMs > 0 ? Math.max(40_000, this.pointsPerMs * QUICK_MS) : MOST;
    this.points = 0;
    for (const { offsets, array } of this.inSight(camera, screen, budget)) {
      gl.bindVertexArray(array.array);
      for (const [from, to] of offsets) {
        gl.drawArrays(gl.POINTS, from - array.tier.begin, to - from);
        this.points += to - from;
      }
    }
    if (!moving) {
      this.wait(); // so that the time is true
      const ms = performance.now() - begun;
      if (this.points > 20_000) this.pointsPerMs = this.points / Math.max(1, ms);
    }
  }

  /** Until what was asked for is drawn. */
  wait(): void {
    this.gl.readPixels(0, 0, 1, 1, this.gl.RGBA, this.gl.UNSIGNED_BYTE, new Uint8Array(4));
  }

  private inSight(camera: Camera, screen: Screen, budget: number): { offsets: [number, number][]; array: Loaded }[] {
    const found: { offsets: [number, number][]; array: Loaded }[] = [];
    let left = budget;
    for (const array of this.loaded) {
      const offsets = runs(camera, screen, array.offsets, this.head.cells);
      left -= offsets.reduce((sum, [from, to]) => sum + to - from, 0);
      if (left < 0 && found.length > 0) break;
      found.push({ offsets, array });
    }
    return found.reverse(); // the most downloaded on top
  }

  /** The point under a pointer, the most downloaded first where several are; null for none. Looks into the cells around it only. */
  pick(camera: Camera, screen: Screen, px: number, py: number): number | null {
    const reach = 7;
    const near = { width: 2 * reach, height: 2 * reach };
    const side = scale(camera, screen);
    const [x, y] = toMap(camera, screen, px, py);
    const around = { x, y, zoom: side / Math.min(near.width, near.height) };
    let best: number | null = null;
    let nearest = reach * reach;
    for (const { tier, offsets } of this.loaded) {
      for (const [from, to] of runs(around, near, offsets, this.head.cells))
        for (let point = from; point < to; point++) {
          const at = point - tier.begin;
          const dx = ((tier.places[2 * at] ?? 0) / 65535 - x) * side;
          const dy = ((tier.places[2 * at + 1] ?? 0) / 65535 - y) * side;
          const far = dx * dx + dy * dy;
          if (far < nearest) {
            nearest = far;
            best = point;
          }
        }
      if (best !== null && nearest < 9) return best;
    }
    return best;
  }

  /** Where a loaded point is on the screen. */
  where(camera: Camera, screen: Screen, point: number): [number, number] | null {
    const one = this.loaded.find(({ tier }) => point >= tier.begin && point < tier.begin + tier.count);
    if (!one) return null;
    const at = point - one.tier.begin;
    return toScreen(camera, screen, (one.tier.places[2 * at] ?? 0) / 65535, (one.tier.places[2 * at + 1] ?? 0) / 65535);
  }
}
