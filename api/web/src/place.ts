/** This file knows where the reader is: the address is the state of a view, so that every view can be shared. */
import { cell } from "./cell";

export interface Place {
  path: string;
  query: URLSearchParams;
}

function here(): Place {
  return { path: location.pathname, query: new URLSearchParams(location.search) };
}

const place = cell<Place>(here());

export const usePlace = (): Place => place.use();

/** Go to another address of this page. `replace` keeps the back button where it is: for what changes with every key. */
export function go(address: string, how: { replace?: boolean } = {}): void {
  if (address === location.pathname + location.search) return;
  const other = new URL(address, location.href).pathname !== location.pathname;
  if (how.replace) history.replaceState(history.state, "", address);
  else history.pushState(null, "", address);
  place.set(here());
  if (other) scrollTo(0, 0);
}

/** The same view with some of its query changed; null takes a key away. */
export function withQuery(changes: Record<string, string | string[] | null>): string {
  const query = new URLSearchParams(location.search);
  for (const [key, value] of Object.entries(changes)) {
    query.delete(key);
    for (const one of value === null ? [] : [value].flat()) query.append(key, one);
  }
  const text = query.toString();
  return location.pathname + (text ? `?${text}` : "");
}

const ours = (url: URL): boolean =>
  url.origin === location.origin && !/^\/(graphql|models\/.*\/lineage\.svg$)/.test(url.pathname);

/** Follow links of the page without loading it anew. */
export function followLinks(): void {
  addEventListener("popstate", () => place.set(here()));
  document.addEventListener("click", (event) => {
    if (
      event.defaultPrevented ||
      event.button !== 0 ||
      event.metaKey ||
      event.ctrlKey ||
      event.shiftKey ||
      event.altKey
    )
      return;
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!link?.href || link.target || link.hasAttribute("download")) return;
    const url = new URL(link.href);
    if (!ours(url) || (url.hash && url.pathname === location.pathname && url.search === location.search)) return;
    event.preventDefault();
    go(url.pathname + url.search);
  });
}
