/** This file knows what the marks of the picture mean. */
export function Legend() {
  return (
    <ul class="legend" aria-label="What the marks mean">
      <Mark kind="line" words="declared" />
      <Mark kind="line seen" words="known by weights alone" />
      <Mark kind="line bad" words="claims disagree" />
      <Mark kind="line also" words="further parent" />
      <li>
        <svg width="16" height="16" aria-hidden="true" class="picture">
          <circle class="ring" cx="8" cy="8" r="5.5" />
          <circle class="new" cx="8" cy="8" r="5.5" stroke-dasharray="22 40" transform="rotate(-90 8 8)" />
        </svg>
        novelty
      </li>
      <li>a thicker line: more alike in weights, or a larger crowd</li>
      <li>named first: by downloads, descendants, novelty and conflict</li>
    </ul>
  );
}

function Mark({ kind, words }: { kind: string; words: string }) {
  return (
    <li>
      <svg width="26" height="10" aria-hidden="true" class="picture">
        <path class={kind} d="M1,5h24" stroke-width="1.8" />
      </svg>
      {words}
    </li>
  );
}
