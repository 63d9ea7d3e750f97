/** This file knows the plain facts of a model; those that are not known are left out. */
import type { ComponentChildren } from "preact";
import type { ModelPageAnswer } from "../../operations";
import { Section } from "../../parts/section";
import { count, day, short } from "../../words";

export function Facts({ model }: { model: NonNullable<ModelPageAnswer["model"]> }) {
  const search = (key: string, value: string) => <a href={`/?${new URLSearchParams([[key, value]])}`}>{value}</a>;
  const rows: [string, ComponentChildren][] = [
    ["Author", model.author && search("author", model.author)],
    ["Task", model.task && search("task", model.task)],
    ["Library", model.library && search("library", model.library)],
    ["Licence", model.licence && search("licence", model.licence)],
    ["Parameters", model.parameters !== null && <span title={count(model.parameters)}>{short(model.parameters)}</span>],
    ["Number format", model.dtype],
    ["Architecture", model.architecture],
    ["Context", model.contextLength !== null && `${count(model.contextLength)} tokens`],
    ["Created", model.createdAt && day(model.createdAt)],
    ["Changed", model.modifiedAt && day(model.modifiedAt)],
    ["Monthly downloads", model.downloads !== null && count(model.downloads)],
    ["Downloads in all", model.downloadsAllTime !== null && count(model.downloadsAllTime)],
    ["Likes", model.likes !== null && count(model.likes)],
    ["Generation", model.generation !== null && count(model.generation)],
    ["Languages", model.languages.length > 0 && some(model.languages)],
    ["Tags", model.tags.length > 0 && some(model.tags)],
    ["Commit", model.sha && <code title={model.sha}>{model.sha.slice(0, 12)}</code>],
  ];
  const known = rows.filter(([, value]) => value !== null && value !== false && value !== "");
  if (known.length === 0) return null;
  return (
    <Section id="facts" title="Facts">
      <dl class="facts">
        {known.map(([words, value]) => (
          <div key={words}>
            <dt>{words}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </Section>
  );
}

const some = (words: readonly string[]): string =>
  words.length > 12 ? `${words.slice(0, 12).join(", ")} and ${words.length - 12} more` : words.join(", ");
