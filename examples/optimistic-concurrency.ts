/**
 * Decide on what is stored, append at the version that was, and decide again when somebody else was faster.
 * A step that needs no decision is made safe to repeat by its key alone.
 */
import { isBusError, openBus } from '#store';

type AccountEvent = { type: 'Deposited' | 'Withdrawn'; data: { amount: number } };

const bus = await openBus<AccountEvent>({ path: ':memory:' });
const account = 'account-1';
let conflicts = 0;

// As if the first answer had been lost: the same request twice is one deposit.
for (const attempt of ['first', 'second']) {
  const deposit: AccountEvent = { type: 'Deposited', data: { amount: 100 } };
  const { duplicate } = await bus.append(account, deposit, { idempotencyKey: 'deposit-1' });
  console.log(`${attempt} try: ${duplicate ? 'known, nothing written' : 'deposited'}`);
}

// Eight withdrawals at once. The balance allows three.
const outcomes = await Promise.all(Array.from({ length: 8 }, () => withdraw(30)));
const { balance } = await load();
console.log(`${outcomes.filter(Boolean).length} of 8 withdrawn after ${conflicts} conflicts, ${balance} left`);
await bus.close();

/** False when the balance is too low. */
async function withdraw(amount: number): Promise<boolean> {
  for (;;) {
    const { balance, version } = await load();
    if (balance < amount) return false;
    try {
      await bus.append(account, { type: 'Withdrawn', data: { amount } }, { expectedVersion: version });
      return true;
    } catch (error) {
      if (!isBusError(error, 'CONCURRENCY_CONFLICT')) throw error;
      conflicts++;
    }
  }
}

async function load(): Promise<{ balance: number; version: number }> {
  let [balance, version] = [0, 0];
  for await (const event of bus.readStream(account)) {
    balance += event.type === 'Deposited' ? event.data.amount : -event.data.amount;
    version = event.version;
  }
  return { balance, version };
}
