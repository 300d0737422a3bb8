"use strict";
(() => {
  const root = document.documentElement;
  const isDark = () =>
    root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const button = document.getElementById("theme");
  try {
    const kept = localStorage.getItem("winnow-theme");
    if (kept === "dark" || kept === "light") root.dataset.theme = kept;
  } catch { /* A file opened from disk may have no storage. */ }
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    try {
      localStorage.setItem("winnow-theme", root.dataset.theme);
    } catch { /* Then it holds until the page is closed. */ }
  });
})();
