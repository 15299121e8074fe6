/** One dead letter from within: why its event failed, with the stack, and the event. */
import { useEffect, useRef } from 'preact/hooks';
import type { LetterDetail } from '../../wire.ts';
import { useGet } from '../api.ts';
import { count, fullTime } from '../format.ts';
import { Button } from '../parts/button.tsx';
import { Chip, StateChip } from '../parts/chip.tsx';
import { CopyButton } from '../parts/copy-button.tsx';
import { EventMarks, NameText } from '../parts/event-parts.tsx';
import { EventPayload } from '../parts/event-payload.tsx';
import { Link } from '../parts/link.tsx';
import { Empty, ErrorNote, Facts, Loading } from '../parts/panel.tsx';
import { shown, shownLines } from '../parts/plain-text.ts';

interface LetterPanelProps {
  readonly processor: string;
  /** As the address has it. */
  readonly position: string;
  readonly onClose: () => void;
  readonly onRetry: ((position: number) => void) | undefined;
  readonly onDiscard: ((position: number) => void) | undefined;
}

export function LetterPanel({ processor, position, onClose, onRetry, onDiscard }: LetterPanelProps) {
  const isPosition = /^[1-9]\d{0,14}$/.test(position);
  const path = `api/processors/${encodeURIComponent(processor)}/letters/${position}`;
  const { data: letter, error, reload } = useGet<LetterDetail>(isPosition ? path : undefined);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus({ preventScroll: true }), [position]);
  return (
    <section aria-label="The letter">
      <header class="pair-head">
        <h2 ref={heading} tabIndex={-1}>
          {letter === undefined ? `Letter at ${position}` : <NameText name={letter.type} />}
        </h2>
        {letter !== undefined && <StateChip state={letter.state} />}
        <div class="buttons">
          {letter !== undefined && onRetry && letter.state === 'dead' && (
            <Button icon="retry" onClick={() => onRetry(letter.position)}>
              Retry
            </Button>
          )}
          {letter !== undefined && onDiscard && letter.state !== 'discarded' && (
            <Button icon="trash" onClick={() => onDiscard(letter.position)}>
              Discard
            </Button>
          )}
          <Button icon="cross" kind="plain" label="Close the letter" onClick={onClose} />
        </div>
      </header>
      {!isPosition || error?.status === 404 ? (
        <Empty icon="search" text="There is no letter at this position. It may have been handled since." />
      ) : (
        error !== undefined && <ErrorNote error={error} onRetry={reload} />
      )}
      {isPosition && letter === undefined && error === undefined && <Loading />}
      {letter !== undefined && <Inside letter={letter} />}
    </section>
  );
}

function Inside({ letter }: { readonly letter: LetterDetail }) {
  const { error, stack, event } = letter;
  return (
    <>
      <section class="panel panel-body" aria-label="Facts">
        <Facts
          facts={[
            ['Event', <Link to={{ page: 'event', position: String(letter.position) }}>{count(letter.position)}</Link>],
            [
              'Stream',
              <Link to={{ page: 'stream', name: letter.stream }}>
                <NameText name={letter.stream} />
              </Link>,
            ],
            ['Tries', count(letter.attempts)],
            ['First failed', <small>{fullTime(letter.firstMs)}</small>],
            ['Last failed', <small>{fullTime(letter.lastMs)}</small>],
            ['Discarded because', letter.reason !== undefined && shown(letter.reason)],
            [
              'Stream',
              letter.isParked && (
                <Chip
                  tone="odd"
                  icon="state-odd"
                  text={letter.parkedBehind === 0 ? 'parked' : `parked, ${count(letter.parkedBehind)} behind`}
                />
              ),
            ],
          ]}
        />
      </section>
      <section class="panel" aria-label="Error">
        <header class="panel-head">
          <h3>{error === undefined ? 'The error is not kept' : shown(error.name)}</h3>
          {error?.code !== undefined && <code class="faint">{shown(error.code)}</code>}
          {stack !== undefined && (
            <div class="end">
              <CopyButton text={stack} what="of the stack" />
            </div>
          )}
        </header>
        {error !== undefined && <p class="panel-body letter-message">{shownLines(error.message) || 'no message'}</p>}
        {stack !== undefined && (
          // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
          <section class="stack" tabIndex={0} aria-label="Stack">
            <pre>{shownLines(stack)}</pre>
          </section>
        )}
      </section>
      <div class="letter-event">
        <h3>The event</h3>
        <EventMarks event={event} />
      </div>
      <EventPayload event={event} />
    </>
  );
}
