/** This file knows the frame around every view: the bar on top, what is shown while a view loads, and the foot. */
import type { ComponentType } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { snapshot } from "./ask";
import { Documents } from "./parts/documents";
import { ThemeChoice } from "./parts/theme-choice";
import { TrayBar } from "./parts/tray-bar";
import { usePlace } from "./place";
import { VIEWS, type View, type ViewProps } from "./views";

const loaded = new Map<View, ComponentType<ViewProps>>();

function found(path: string): { view: View; id: string } | null {
  for (const view of VIEWS) {
    const id = view.at(path);
    if (id !== null) return { view, id };
  }
  return null;
}

function useComponent(view: View | undefined): ComponentType<ViewProps> | "loading" | "failed" {
  const [, again] = useState(0);
  const [failed, setFailed] = useState<View | null>(null);
  useEffect(() => {
    if (!view || loaded.has(view)) return;
    view.load().then(
      (module) => {
        loaded.set(view, module.default);
        again((n) => n + 1);
      },
      () => setFailed(view),
    );
  }, [view]);
  if (view && failed === view) return "failed";
  return (view && loaded.get(view)) ?? "loading";
}

export function Page() {
  const { path } = usePlace();
  const here = found(path);
  const Shown = useComponent(here?.view);
  const title = here ? here.id || here.view.entry?.words || here.view.name : "No such page";
  useEffect(() => {
    document.title = `${title} – Stemma`;
  }, [title]);
  const before = useRef(path);
  useEffect(() => {
    if (before.current === path) return;
    before.current = path;
    // the link that led here is gone with its view: go on reading from the top, not from nowhere
    if (document.activeElement === document.body) document.getElementById("main")?.focus({ preventScroll: true });
  }, [path]);
  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <header class="bar">
        <a class="brand" href="/">
          <img src="/icon.svg" alt="" width="22" height="22" /> <span>Stemma</span>
        </a>
        <nav aria-label="Views">
          {VIEWS.flatMap(({ entry }) =>
            entry
              ? [
                  <a
                    key={entry.address}
                    href={entry.address}
                    aria-current={path === entry.address ? "page" : undefined}
                  >
                    {entry.words}
                  </a>,
                ]
              : [],
          )}
          <a href="/graphql">GraphQL</a>
        </nav>
        <ThemeChoice />
      </header>
      <main id="main" tabIndex={-1} class={here?.view.name}>
        {!here ? (
          <Nowhere path={path} />
        ) : Shown === "failed" ? (
          <p role="alert" class="notice">
            This part of the explorer could not be loaded.{" "}
            <a href={path} target="_self">
              Load the page again
            </a>
            .
          </p>
        ) : Shown === "loading" ? (
          <p class="quiet">Loading …</p>
        ) : (
          <Shown id={here.id} />
        )}
      </main>
      <TrayBar />
      <Foot />
    </>
  );
}

function Nowhere({ path }: { path: string }) {
  return (
    <div class="notice">
      <h1>There is no such page</h1>
      <p>
        Nothing is at <code>{path}</code>. <a href="/">Search the catalogue</a>.
      </p>
    </div>
  );
}

function Foot() {
  const id = snapshot.use();
  return (
    <footer class="foot">
      <span>
        {id && (
          <>
            Snapshot <code title={id}>{id.slice(0, 12)}</code>
          </>
        )}
      </span>
      <Documents />
    </footer>
  );
}
