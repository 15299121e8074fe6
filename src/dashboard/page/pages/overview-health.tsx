/** The line that says whether all is well, and below it what is not. */
import type { ProcessorRow } from '../../wire.ts';
import type { Finding, Health } from '../health.ts';
import { Announcer } from '../parts/announcer.tsx';
import { NameText } from '../parts/event-parts.tsx';
import { Icon } from '../parts/icon.tsx';
import { Link } from '../parts/link.tsx';
import { Countdown } from '../parts/time.tsx';
import { stateCounts } from '../processor-list.ts';
import { wordOf } from '../states.ts';

/** More are counted only: what is wrong with all of a hundred processors has one cause. */
const findingsMax = 6;
const icons = { good: 'check', warn: 'alert', bad: 'failed', rest: 'pause' } as const;

export function HealthPanel({ health, rows }: { readonly health: Health; readonly rows: readonly ProcessorRow[] }) {
  const { tone, line, findings } = health;
  const rest = findings.length - findingsMax;
  return (
    <section class={`health ${tone}`} aria-label="Health">
      <div class="health-line">
        <span class="health-mark">
          <Icon name={icons[tone]} size={20} />
        </span>
        <p class="health-text">{line}</p>
        <Announcer text={line} />
        {findings.length === 0 && <p class="health-sum soft">{summaryOf(rows)}</p>}
      </div>
      {findings.length > 0 && (
        <ul class="findings">
          {findings.slice(0, findingsMax).map((finding) => (
            <li key={`${finding.subject} ${finding.to?.page}`}>
              <FindingLine finding={finding} />
            </li>
          ))}
          {rest > 0 && (
            <li class="findings-rest">
              <Link to={{ page: 'overview' }} query={{ sort: 'trouble' }}>
                and {rest} more
              </Link>
            </li>
          )}
        </ul>
      )}
    </section>
  );
}

function FindingLine({ finding }: { readonly finding: Finding }) {
  const { tone, subject, text, detail, retryAt, to, query } = finding;
  return (
    <p class={`finding ${tone}`}>
      <Icon name={tone === 'bad' ? 'state-fail' : 'state-wait'} size={11} />
      <span class="finding-what">
        {to === undefined ? (
          subject
        ) : (
          <Link to={to} {...(query && { query })}>
            <NameText name={subject} />
          </Link>
        )}{' '}
        {text}
        {retryAt !== undefined && (
          <>
            , tries again <Countdown untilMs={retryAt} />
          </>
        )}
      </span>
      {detail !== undefined && (
        <span class="finding-detail cut soft" title={detail}>
          {detail}
        </span>
      )}
    </p>
  );
}

function summaryOf(rows: readonly ProcessorRow[]): string {
  if (rows.length === 0) return 'no processors';
  const parts = stateCounts(rows).map(([state, number]) => `${number} ${wordOf(state)}`);
  return `${rows.length} ${rows.length === 1 ? 'processor' : 'processors'}: ${parts.join(', ')}`;
}
