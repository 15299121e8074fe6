import { render } from 'preact';

render(<main>varvebus</main>, document.getElementById('page') as HTMLElement);
