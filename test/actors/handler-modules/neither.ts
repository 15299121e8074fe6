/** Can't be used: the name is wrong. */
export const handler = () => undefined;
