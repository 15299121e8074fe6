/** Asks before letters are tried again or discarded, says what it will come to, and does it. */
import { useState } from 'preact/hooks';
import type { LetterOrder, ProcessorRow } from '../../wire.ts';
import { count } from '../format.ts';
import { useOrder } from '../order.ts';
import { Button } from '../parts/button.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { ErrorNote } from '../parts/panel.tsx';
import { shown } from '../parts/plain-text.ts';

export interface LetterTask {
  readonly action: 'retry' | 'discard';
  readonly positions: readonly number[] | 'all';
}

interface LetterDialogProps {
  readonly processor: string;
  readonly task: LetterTask;
  /** The processor now; `undefined` where it is not known. */
  readonly row: ProcessorRow | undefined;
  readonly onClose: () => void;
  readonly onDone: (text: string) => void;
}

/** As the store has it. */
const reasonCharsMax = 2000;

export function LetterDialog({ processor, task, row, onClose, onDone }: LetterDialogProps) {
  const [reason, setReason] = useState('');
  const { action, positions } = task;
  const isOne = positions.length === 1;
  const letters =
    positions === 'all'
      ? `all letters of ${shown(processor)}`
      : isOne
        ? 'this letter'
        : `${count(positions.length)} letters`;

  const path = `api/processors/${encodeURIComponent(processor)}/letters/${action}`;
  const order = useOrder<LetterOrder>(path, onDone);
  const act = () => order.send({ positions, ...(reason.trim() !== '' && { reason: reason.trim() }) });

  return (
    <Dialog
      title={action === 'retry' ? `Try ${letters} again?` : `Discard ${letters}?`}
      onClose={onClose}
      onSubmit={act}
      foot={
        <>
          <Button kind="plain" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" kind={action === 'retry' ? 'main' : 'risky'} isBusy={order.isBusy}>
            {action === 'retry' ? 'Retry' : 'Discard'}
          </Button>
        </>
      }
    >
      <p class="effect">{effect(task, shown(processor), row)}</p>
      {action === 'discard' && (
        <div class="field">
          <label for="letter-reason">Reason, kept with {isOne ? 'it' : 'them'}</label>
          <textarea
            id="letter-reason"
            class="input"
            rows={3}
            maxLength={reasonCharsMax}
            value={reason}
            onInput={(event) => setReason(event.currentTarget.value)}
          />
        </div>
      )}
      {order.error !== undefined && <ErrorNote error={order.error} />}
    </Dialog>
  );
}

function effect({ action, positions }: LetterTask, processor: string, row: ProcessorRow | undefined): string {
  const isOne = positions.length === 1;
  const all = row === undefined ? 'All events' : `All ${count(row.deadLetters)} events`;
  const events = positions === 'all' ? all : isOne ? 'This event' : `These ${count(positions.length)} events`;
  if (action === 'discard') {
    const record = isOne ? 'The letter stays' : 'The letters stay';
    return `${events} will not be handled by ${processor}. ${record} as a record. This cannot be taken back.`;
  }
  const isRunning = row !== undefined && row.state !== 'absent' && row.state !== 'stopped' && row.state !== 'failed';
  const when = isRunning ? `${processor} does it now.` : `${processor} is not running: it does it when it is started.`;
  return `${events} will be handled once more, one try each, in order; where a stream is parked, what waits behind follows. ${when}`;
}
