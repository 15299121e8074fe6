/** The buttons of a processor. Each asks first, and says what would happen as the server sees it. */
import { useId, useState } from 'preact/hooks';
import type { ActionName, ActionOrder, Preview, ProcessorTopic } from '../../wire.ts';
import { useGet } from '../api.ts';
import { count } from '../format.ts';
import type { Lane } from '../lanes.ts';
import { useOrder } from '../order.ts';
import { Button } from '../parts/button.tsx';
import { Chip } from '../parts/chip.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { ErrorNote } from '../parts/panel.tsx';
import { shown } from '../parts/plain-text.ts';
import { tell } from '../parts/toast.tsx';
import { type ActionButton, actionButtons, positionIn } from '../processor-actions.ts';

export interface ActionBarProps {
  readonly name: string;
  readonly image: ProcessorTopic['image'];
  readonly lanes: readonly Lane[];
  /** `undefined` as long as it is not known. */
  readonly allowed: readonly ActionName[] | undefined;
}

export function ActionBar({ name, image, lanes, allowed }: ActionBarProps) {
  const [asked, setAsked] = useState<ActionButton | undefined>();
  if (allowed === undefined) return null;
  const buttons = actionButtons(
    image.kind,
    allowed,
    lanes.map(({ can }) => can),
  );
  if (buttons.length === 0) return <Chip icon="lock" text="read-only" />;
  return (
    <>
      <div class="buttons" role="toolbar" aria-label="Orders">
        {buttons.map((button) => (
          <Button
            key={button.action}
            icon={button.icon}
            onClick={() => setAsked(button)}
            disabled={!button.isPossible}
            title={button.what}
          >
            {button.title}
          </Button>
        ))}
      </div>
      {asked !== undefined && (
        <ActionDialog
          name={name}
          button={asked}
          head={image.status.context.head}
          isPossible={buttons.some(({ action, isPossible }) => action === asked.action && isPossible)}
          onClose={() => setAsked(undefined)}
        />
      )}
    </>
  );
}

export interface ActionDialogProps {
  readonly name: string;
  readonly button: ActionButton;
  readonly head: number;
  /** It may have become impossible meanwhile. */
  readonly isPossible: boolean;
  readonly onClose: () => void;
}

/** Says what one of the orders would do, and gives it. */
export function ActionDialog({ name, button, head, isPossible, onClose }: ActionDialogProps) {
  const { action, title, question, isRisky } = button;
  const [text, setText] = useState('0');
  const [untilText, setUntilText] = useState('');
  const to = action === 'reset' ? positionIn(text, head) : undefined;
  const until = untilText === '' ? undefined : positionIn(untilText, Number.MAX_SAFE_INTEGER);
  const isComplete = action !== 'reset' || (to !== undefined && (untilText === '' || until !== undefined));
  const path = `api/processors/${encodeURIComponent(name)}`;
  const preview = useGet<Preview>(isComplete ? `${path}/preview` : undefined, { action, to, until });

  const order = useOrder<ActionOrder>(`${path}/${action}`, (done) => {
    tell(done);
    onClose();
  });
  function confirm(): void {
    if (isComplete && isPossible)
      order.send({ ...(to !== undefined && { to }), ...(until !== undefined && { until }) });
  }

  return (
    <Dialog
      title={`${question} ${shown(name)}?`}
      onClose={onClose}
      onSubmit={confirm}
      foot={
        <>
          <Button kind="plain" onClick={onClose}>
            Cancel
          </Button>
          <Button
            type="submit"
            kind={isRisky ? 'risky' : 'main'}
            isBusy={order.isBusy}
            disabled={!isComplete || !isPossible}
          >
            {title}
          </Button>
        </>
      }
    >
      {action === 'reset' && (
        <>
          <PositionField
            label="Last position that counts as handled"
            hint={`0 (handle everything again) to ${count(head)} (handle only what comes)`}
            text={text}
            onText={setText}
            isWrong={to === undefined}
          />
          <PositionField
            label="Pause behind position (optional)"
            hint="Empty: it goes on"
            text={untilText}
            onText={setUntilText}
            isWrong={untilText !== '' && until === undefined}
          />
        </>
      )}
      <div class="effect" aria-live="polite">
        {preview.error !== undefined ? (
          <span class="soft">What it would do can’t be said: {preview.error.message}</span>
        ) : !isComplete ? (
          <span class="soft">Give a position to see what would happen.</span>
        ) : preview.data === undefined ? (
          <span class="soft">Asking what it would do…</span>
        ) : (
          <PreviewText preview={preview.data} />
        )}
      </div>
      {!isPossible && <p class="soft">The processor has gone on meanwhile: this is not possible now.</p>}
      {order.error !== undefined && <ErrorNote error={order.error} />}
    </Dialog>
  );
}

function PreviewText({ preview: { text, events, isAtLeast } }: { readonly preview: Preview }) {
  return (
    <>
      {events !== undefined && (
        <p class="effect-events">
          {isAtLeast ? 'at least ' : ''}
          {count(events)} <small>{events === 1 ? 'event' : 'events'}</small>
        </p>
      )}
      <p>{text}</p>
    </>
  );
}

interface PositionFieldProps {
  readonly label: string;
  readonly hint: string;
  readonly text: string;
  readonly onText: (text: string) => void;
  readonly isWrong: boolean;
}

function PositionField({ label, hint, text, onText, isWrong }: PositionFieldProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        class="input mono"
        inputMode="numeric"
        autocomplete="off"
        value={text}
        aria-invalid={isWrong}
        aria-describedby={`${id}-hint`}
        onInput={(event) => onText(event.currentTarget.value)}
      />
      <span id={`${id}-hint`} class={isWrong ? 'hint wrong' : 'hint'}>
        {hint}
      </span>
    </div>
  );
}
