/** This file knows how the models are shown whose weights are most like a model's. */
import { modelAddress } from "../../addresses";
import type { ModelPageAnswer } from "../../operations";
import { Section } from "../../parts/section";
import { percent, short } from "../../words";

export function Alike({ similar }: { similar: NonNullable<ModelPageAnswer["model"]>["similar"] }) {
  if (similar.length === 0) return null;
  return (
    <Section id="alike" title="Most like it by weights">
      <div class="wide">
        <table>
          <thead>
            <tr>
              <th scope="col">Model</th>
              <th scope="col" class="number">
                Cosine
              </th>
              <th scope="col" class="number">
                Distance
              </th>
              <th scope="col" class="number">
                Equal
              </th>
              <th scope="col">Compared</th>
              <th scope="col">Licence</th>
              <th scope="col" class="number">
                Downloads
              </th>
            </tr>
          </thead>
          <tbody>
            {similar.map(({ model, cosine, relativeDistance, sharedFraction, method }) => (
              <tr key={model.id}>
                <th scope="row">
                  <a class="id" href={modelAddress(model.id)}>
                    {model.id}
                  </a>
                </th>
                <td class="number">{cosine.toFixed(3)}</td>
                <td class="number">{relativeDistance?.toFixed(3)}</td>
                <td class="number">{sharedFraction !== null && percent(sharedFraction)}</td>
                <td>{method}</td>
                <td class="nowrap">{model.licence}</td>
                <td class="number">{model.downloads !== null && short(model.downloads)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p class="quiet small">
        Cosine of the centred weights that both have; distance over this model's size; share of weights equal to the
        bit.
      </p>
    </Section>
  );
}
