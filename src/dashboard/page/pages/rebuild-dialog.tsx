/** Asks before a projection is built anew, and says how many events that reads. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ActionDone, Preview } from '../../wire.ts';
import { type ApiError, post, useGet } from '../api.ts';
import { count } from '../format.ts';
import { Button } from '../parts/button.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { ErrorNote } from '../parts/panel.tsx';
import { shown } from '../parts/plain-text.ts';

interface RebuildDialogProps {
  readonly name: string;
  readonly onClose: () => void;
  readonly onDone: (text: string) => void;
}

export function RebuildDialog({ name, onClose, onDone }: RebuildDialogProps) {
  const path = `api/processors/${encodeURIComponent(name)}`;
  const preview = useGet<Preview>(`${path}/preview`, { action: 'rebuild' });
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | undefined>(undefined);
  const abort = useRef(new AbortController());
  useEffect(() => () => abort.current.abort(), []);

  async function act(): Promise<void> {
    if (isBusy) return;
    setBusy(true);
    setError(undefined);
    try {
      const { text } = await post<ActionDone>(`${path}/rebuild`, {}, abort.current.signal);
      if (!abort.current.signal.aborted) onDone(text);
    } catch (failure) {
      if (abort.current.signal.aborted) return;
      setError(failure as ApiError);
      setBusy(false);
    }
  }

  const failure = error ?? preview.error;
  return (
    <Dialog
      title={`Build ${shown(name)} anew?`}
      onClose={onClose}
      onSubmit={() => void act()}
      foot={
        <>
          <Button kind="plain" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" kind="main" isBusy={isBusy} disabled={preview.data === undefined}>
            Rebuild
          </Button>
        </>
      }
    >
      <p class="effect" role="status">
        {preview.data === undefined ? 'Counting the events…' : `${preview.data.text} ${eventsOf(preview.data)}`}
      </p>
      {failure !== undefined && <ErrorNote error={failure} />}
    </Dialog>
  );
}

function eventsOf({ events, isAtLeast }: Preview): string {
  if (events === undefined) return '';
  return `That reads ${isAtLeast ? 'at least ' : ''}${count(events)} ${events === 1 ? 'event' : 'events'}.`;
}
