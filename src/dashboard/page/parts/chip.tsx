/** States and counts as small pills: a shape, a word and a colour. */
import { lookOf, type Tone, wordOf } from '../states.ts';
import { Icon } from './icon.tsx';
import type { IconName } from './icons.ts';

/** The state of a processor, projection, machine or letter. */
export function StateChip({ state }: { readonly state: string }) {
  const { tone, icon } = lookOf(state);
  return <Chip tone={tone} icon={icon} text={wordOf(state)} />;
}

/** A longer text may be cut off where there is little room. */
const lettersShort = 16;

export function Chip({
  text,
  tone = 'rest',
  icon,
}: {
  readonly text: string;
  readonly tone?: Tone;
  readonly icon?: IconName;
}) {
  return (
    <span class={`chip ${tone}`} title={text.length > lettersShort ? text : undefined}>
      {icon !== undefined && <Icon name={icon} size={10} />}
      <span>{text}</span>
    </span>
  );
}
