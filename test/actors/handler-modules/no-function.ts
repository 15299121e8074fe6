/** Can't be used. */
export const handle = 'a text';
