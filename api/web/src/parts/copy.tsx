/** This file knows a button that copies a text. */
import { useState } from "preact/hooks";

export function Copy({ text, words = "Copy" }: { text: string; words?: string }) {
  const [copied, setCopied] = useState(false);
  const copy = () =>
    navigator.clipboard.writeText(text).then(
      () => {
        setCopied(true);
        setTimeout(() => setCopied(false), 1500);
      },
      () => setCopied(false),
    );
  return (
    <button type="button" onClick={copy} aria-live="polite">
      {copied ? "Copied" : words}
    </button>
  );
}
