/** The address of a login link, to one whom it did not let in: who opens a good one never sees this. */
import { connection } from '../live.ts';
import { Link } from '../parts/link.tsx';
import { Page } from '../parts/page.tsx';
import { Empty } from '../parts/panel.tsx';

export function LoginPage() {
  return (
    <Page title="Login">
      <Empty
        icon="lock"
        text="This link logs nobody in: it was used before, or is too old. Get a new one from the app."
      >
        {connection.value === 'live' && (
          <p>
            You are logged in already: <Link to={{ page: 'overview' }}>to the overview</Link>
          </p>
        )}
      </Empty>
    </Page>
  );
}
