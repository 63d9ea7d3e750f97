/** This file knows the map's files: six bytes a point in tiers, where the cells of the grid begin, and further codes a byte a point. */
export interface Legend {
  code: number;
  word?: string | null;
  count: number;
}

export interface Head {
  version: number;
  snapshot: string;
  models: number;
  tiers: number[];
  cells: number;
  palette: string[];
  shades: number;
  firstYear: number;
  codes: Record<string, Legend[]>;
  continents: { name: string; count: number; x: number; y: number; radius: number }[];
  families: { id: string; size: number; point: number; x: number; y: number; radius: number }[];
}

export interface Tier {
  /** The number of its first point. */
  begin: number;
  count: number;
  places: Uint16Array;
  colours: Uint8Array;
  sizes: Uint8Array;
}

/** There is no map, for a reason that the service says. */
export class NoMap extends Error {}

export async function readHead(): Promise<Head> {
  const response = await fetch("/map/head.json");
  const body = (await response.json()) as Head & { errors?: { message: string }[] };
  if (!response.ok) throw new NoMap(body.errors?.[0]?.message ?? `the service answered ${response.status}`);
  return body;
}

export const addressOf = (head: Head, name: string): string => `/map/${head.snapshot}/${name}`;

async function bytesOf(address: string): Promise<ArrayBuffer> {
  const response = await fetch(address);
  if (!response.ok) throw new NoMap(`a file of the map is gone (${response.status}): load the page again`);
  return response.arrayBuffer();
}

export async function readTier(head: Head, at: number): Promise<Tier> {
  const count = head.tiers[at] ?? 0;
  const begin = head.tiers.slice(0, at).reduce((sum, each) => sum + each, 0);
  const data = count === 0 ? new ArrayBuffer(0) : await bytesOf(addressOf(head, `points-${at}.bin`));
  return {
    begin,
    count,
    places: new Uint16Array(data, 0, 2 * count),
    colours: new Uint8Array(data, 4 * count, count),
    sizes: new Uint8Array(data, 5 * count, count),
  };
}

export const readCells = async (head: Head): Promise<Uint32Array> =>
  new Uint32Array(await bytesOf(addressOf(head, "cells.bin")));

export async function readCode(head: Head, name: string, tier: number): Promise<Uint8Array> {
  if (!head.tiers[tier]) return new Uint8Array(0);
  return new Uint8Array(await bytesOf(addressOf(head, `${name}-${tier}.bin`)));
}

/** The points whose model has this text in its name. */
export async function pointsWith(text: string, signal: AbortSignal): Promise<Uint32Array> {
  const response = await fetch(`/map/points?${new URLSearchParams({ text })}`, { signal });
  return response.ok ? new Uint32Array(await response.arrayBuffer()) : new Uint32Array(0);
}
