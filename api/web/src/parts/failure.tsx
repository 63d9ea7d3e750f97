/** This file knows what is shown where an answer should be and none came. */
export function Failure({ error, again }: { error: Error; again: () => void }) {
  return (
    <div role="alert" class="notice">
      <p>{error.message}</p>
      <button type="button" onClick={again}>
        Try again
      </button>
    </div>
  );
}
