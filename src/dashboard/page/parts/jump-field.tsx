/** A number to go to: of a version or a position. Stands in the query; goes when one presses Enter or leaves the field. */
import { useEffect, useId, useState } from 'preact/hooks';
import { useParam } from '../route.ts';

interface JumpFieldProps {
  readonly name: string;
  readonly label: string;
  readonly placeholder?: string;
}

export function JumpField({ name, label, placeholder }: JumpFieldProps) {
  const [value, set] = useParam(name);
  const [draft, setDraft] = useState(value);
  const id = useId();
  useEffect(() => setDraft(value), [value]);
  const text = draft.replaceAll(/[\s,._']/g, '');
  const isWrong = text !== '' && !/^[1-9]\d{0,14}$/.test(text);
  return (
    <form
      class="field"
      onSubmit={(event) => {
        event.preventDefault();
        if (!isWrong) set(text);
      }}
    >
      <label for={id}>{label}</label>
      <input
        id={id}
        class="input"
        inputMode="numeric"
        autocomplete="off"
        value={draft}
        placeholder={placeholder}
        aria-invalid={isWrong}
        onInput={(event) => setDraft(event.currentTarget.value)}
        onBlur={() => !isWrong && text !== value && set(text)}
      />
    </form>
  );
}
