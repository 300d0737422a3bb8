"use strict";
// Keys: / goes to the search or filter, j and k walk the rows of the first table, Enter opens.
document.addEventListener("keydown", (event) => {
  const inField = event.target.closest("input, select, textarea");
  if (inField || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/") {
    const field = document.querySelector("main input:not([type=hidden]), main select");
    if (field) { event.preventDefault(); field.focus(); }
    return;
  }
  if (event.key !== "j" && event.key !== "k") return;
  const links = [...document.querySelectorAll("tbody th a")];
  if (!links.length) return;
  const at = links.indexOf(document.activeElement);
  const next = event.key === "j" ? Math.min(at + 1, links.length - 1) : Math.max(at - 1, 0);
  links[next].focus();
});
