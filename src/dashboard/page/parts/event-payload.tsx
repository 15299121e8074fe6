/** What is in an event, or in words why it cannot be shown. */
import type { EventDetail } from '../../wire.ts';
import { Icon } from './icon.tsx';
import type { IconName } from './icons.ts';
import { JsonView } from './json-view.tsx';
import './event-payload.css';

export function EventPayload({ event }: { readonly event: EventDetail }) {
  if (event.erased) {
    return (
      <Withheld icon="erased" title="Erased">
        Its key was destroyed. That the event happened is known, what was in it is gone for good.
      </Withheld>
    );
  }
  if (event.redacted && event.data === undefined) {
    return (
      <Withheld icon="lock" title="Redacted">
        The app keeps the content of this event from the dashboard.
      </Withheld>
    );
  }
  const isCut = event.cut === true;
  return (
    <>
      {event.redacted && <p class="payload-note small">The app changed what is shown of this event.</p>}
      {event.data === undefined ? (
        <Withheld icon="dot" title="Data">
          It has no data.
        </Withheld>
      ) : (
        <JsonView label="Data" text={event.data} mayBeCut={isCut} />
      )}
      {event.metadata !== undefined && <JsonView label="Metadata" text={event.metadata} mayBeCut={isCut} />}
    </>
  );
}

interface WithheldProps {
  readonly icon: IconName;
  readonly title: string;
  readonly children: (string | number)[] | string;
}

function Withheld({ icon, title, children }: WithheldProps) {
  return (
    <section class="panel withheld" aria-label={title}>
      <Icon name={icon} size={20} />
      <div>
        <h2>{title}</h2>
        <p class="soft">{children}</p>
      </div>
    </section>
  );
}
