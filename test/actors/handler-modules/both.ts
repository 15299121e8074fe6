/** Can't be used: which one? */
export const handle = () => undefined;
export const handleBatch = () => undefined;
