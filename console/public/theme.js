// Before the first paint, so that nobody is flashed by the other theme. A file of its own: the page's policy allows no inline script.
(() => {
  let theme = 'system';
  try {
    theme = JSON.parse(localStorage.getItem('greenroom.theme') ?? '"system"');
  } catch {
    // Storage is closed to this page, or holds something else: the system's theme.
  }
  const isDark =
    theme === 'dark' || (theme !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.classList.toggle('dark', isDark);
})();
