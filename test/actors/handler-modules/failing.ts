/** A module that fails while it is loaded. */
throw Object.assign(new Error('no such tariff'), { code: 'TARIFF_MISSING' });
