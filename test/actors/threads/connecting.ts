/** A thread that connects, looks at the head, and has nothing more to do. */
import { workerData } from 'node:worker_threads';
import { connectBus } from '#store';

const bus = await connectBus(workerData.port);
if (bus.head < 0) throw new Error('a head is a position');
