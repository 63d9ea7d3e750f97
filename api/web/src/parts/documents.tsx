/** This file knows how the GraphQL behind a view is shown: the documents, their variables, and a way to try them. */
import { useRef } from "preact/hooks";
import { type Asked, asked } from "../ask";
import { Copy } from "./copy";

export function Documents() {
  const now = asked.use();
  const dialog = useRef<HTMLDialogElement>(null);
  if (now.length === 0) return null;
  return (
    <>
      <button type="button" class="plain" onClick={() => dialog.current?.showModal()}>
        GraphQL of this view
      </button>
      <dialog ref={dialog} class="documents" aria-labelledby="documents-title">
        <form method="dialog" class="head">
          <h2 id="documents-title">GraphQL of this view</h2>
          <button type="submit">Close</button>
        </form>
        {[...new Map(now.map((each) => [each.name + JSON.stringify(each.variables), each])).values()].map((each) => (
          <Document key={each.name + JSON.stringify(each.variables)} {...each} />
        ))}
      </dialog>
    </>
  );
}

function Document({ name, text, variables }: Asked) {
  const given = JSON.stringify(variables, null, 2);
  const address = `/graphql#${new URLSearchParams({ query: text, variables: given })}`;
  return (
    <section aria-label={name}>
      <div class="head">
        <h3>{name}</h3>
        <span>
          <a href={address} target="_blank" rel="noreferrer">
            Open in GraphiQL
          </a>{" "}
          <Copy text={text} />
        </span>
      </div>
      <Code label={`Document of ${name}`} text={text} />
      <Code label={`Variables of ${name}`} text={given} />
    </section>
  );
}

function Code({ label, text }: { label: string; text: string }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it
    <pre tabIndex={0} role="region" aria-label={label}>
      {text}
    </pre>
  );
}
