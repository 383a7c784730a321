/** A file's text, as Vite gives it: tests inside workerd have no file system. */
declare module '*?raw' {
  const text: string;
  export default text;
}
