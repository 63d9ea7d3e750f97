/** This file knows how a model's novelty is explained: the score, why it is so, and each fact with what it counts. */
import type { ModelPageAnswer } from "../../operations";
import { NoveltyRing } from "../../parts/novelty-ring";
import { Section } from "../../parts/section";
import { novelty, percent } from "../../words";

type Told = NonNullable<NonNullable<ModelPageAnswer["model"]>["novelty"]>;

const RESTS: Record<Told["tier"], string> = {
  T0: "It rests on what is documented; the weights were not read.",
  T1: "It rests on windows of the weights.",
  T2: "It rests on all weights.",
};

export function NoveltyOf({ told }: { told: Told | null }) {
  if (told === null || told.class === "NEW") return null;
  const { score, interval, components } = told;
  const one = (n: number): string => n.toFixed(n > 0 && n < 10 ? 1 : 0);
  return (
    <Section id="novelty" title="Is it a copy? How much of it is new?">
      <p class="verdict">
        {score !== null && <NoveltyRing score={score} />}{" "}
        <strong>{score === null ? "No score" : `${one(score)} of 100`}</strong>
        {told.class !== "UNKNOWN" && `, ${novelty(told.class)}`}: {told.reason}.
        {interval && ` Between ${one(interval.low)} and ${one(interval.high)}.`}
      </p>
      {components.length > 0 && (
        <div class="wide">
          <table>
            <thead>
              <tr>
                <th scope="col">Part</th>
                <th scope="col">Facts</th>
                <th scope="col" class="number">
                  Found
                </th>
                <th scope="col" class="number">
                  Counts
                </th>
              </tr>
            </thead>
            <tbody>
              {components.map(({ name, value, weight, explanation }) => (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  <td>{explanation}</td>
                  <td class="number">{percent(value)}</td>
                  <td class="number">{weight === 0 ? "only told" : percent(weight)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {score !== null && <p class="quiet small">0 is a copy, 100 is all new. {RESTS[told.tier]}</p>}
    </Section>
  );
}
