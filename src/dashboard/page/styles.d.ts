// Vite gathers styles that are imported into one file.
declare module '*.css';
