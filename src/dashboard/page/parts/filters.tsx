/** Fields that narrow what a page shows. What they say stands in the query of the address, so it can be shared. */
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { setParams, useParam } from '../route.ts';

export interface FilterFieldProps {
  /** Of the value in the query. */
  readonly name: string;
  readonly label: string;
  readonly placeholder?: string;
  /** Offered while one types. */
  readonly suggestions?: readonly string[];
}

/** How long one is not typing before the list follows. */
const restMs = 200;
/** Browsers become slow with more. */
const suggestionsMax = 200;

export function FilterField({ name, label, placeholder, suggestions = [] }: FilterFieldProps) {
  const [value, set] = useParam(name);
  const [draft, setDraft] = useState(value);
  const given = useRef(value);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const id = useId();
  // The address may change by itself: one goes back.
  useEffect(() => {
    if (value === given.current) return;
    given.current = value;
    setDraft(value);
  }, [value]);
  useEffect(() => () => clearTimeout(timer.current), []);

  function give(text: string): void {
    clearTimeout(timer.current);
    if (text === given.current) return;
    given.current = text;
    set(text);
  }

  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        class="input"
        type="search"
        value={draft}
        placeholder={placeholder}
        spellcheck={false}
        autocomplete="off"
        list={suggestions.length > 0 ? `${id}-list` : undefined}
        onInput={(event) => {
          const text = event.currentTarget.value;
          setDraft(text);
          clearTimeout(timer.current);
          timer.current = setTimeout(() => give(text), restMs);
        }}
        onChange={(event) => give(event.currentTarget.value)}
      />
      {suggestions.length > 0 && (
        <datalist id={`${id}-list`}>
          {suggestions.slice(0, suggestionsMax).map((suggestion) => (
            <option key={suggestion} value={suggestion} />
          ))}
        </datalist>
      )}
    </div>
  );
}

export interface FilterSelectProps {
  readonly name: string;
  readonly label: string;
  /** What stands for no value; without it there is always one. */
  readonly all?: string;
  readonly options: readonly { readonly value: string; readonly text: string }[];
  /** Another value of the query, that means nothing with another choice. */
  readonly clears?: string;
}

export function FilterSelect({ name, label, all, options, clears }: FilterSelectProps) {
  const [value] = useParam(name);
  const id = useId();
  const choose = (chosen: string) => setParams({ [name]: chosen, ...(clears !== undefined && { [clears]: '' }) });
  const isKnown = value === '' || options.some((option) => option.value === value);
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select id={id} class="input" value={value} onChange={(event) => choose(event.currentTarget.value)}>
        {all !== undefined && <option value="">{all}</option>}
        {!isKnown && <option value={value}>{value}</option>}
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.text}
          </option>
        ))}
      </select>
    </div>
  );
}
