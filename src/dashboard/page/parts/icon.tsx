/**
 * The icons: drawn here, 16 by 16, in the colour of the text around them. They are decoration: what they mean is said in words
 * beside them.
 */
import { type IconName, shapes, solid } from './icons.ts';

export function Icon({
  name,
  size = 16,
  spin,
}: {
  readonly name: IconName;
  readonly size?: number;
  readonly spin?: boolean;
}) {
  const isSolid = name in solid;
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill={isSolid ? 'currentColor' : 'none'}
      stroke={isSolid ? 'none' : 'currentColor'}
      stroke-width="1.5"
      stroke-linecap="round"
      stroke-linejoin="round"
      class={spin ? 'spin' : undefined}
      aria-hidden="true"
      focusable="false"
    >
      <path d={isSolid ? solid[name as keyof typeof solid] : shapes[name as keyof typeof shapes]} />
    </svg>
  );
}

/** Layers of sediment: the mark of varvebus. */
export function Mark({ size = 22 }: { readonly size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 22 22"
      fill="none"
      stroke="currentColor"
      stroke-linecap="round"
      aria-hidden="true"
    >
      <path d="M3 4.5c4-1.8 6 1.6 9 .8 2.6-.7 4.4-1.7 7-.8" stroke-width="2.6" />
      <path d="M3 9.3c3.4-1.2 6.2 1.3 9.2.7 2.5-.5 4.2-1.3 6.8-.7" stroke-width="1.5" opacity=".85" />
      <path d="M3 13.3c3.6-.9 6.4 1 9.4.6 2.4-.3 4-.9 6.6-.5" stroke-width="2.6" opacity=".65" />
      <path d="M3 17.8c3.8-.6 6.6.7 9.6.5 2.4-.2 3.9-.6 6.4-.3" stroke-width="1.5" opacity=".5" />
    </svg>
  );
}
