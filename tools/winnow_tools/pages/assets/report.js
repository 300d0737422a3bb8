"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const all = (selector) => [...document.querySelectorAll(selector)];

  // --- hover details ---
  const tip = byId("tip");
  const showTip = (text, x, y) => {
    tip.textContent = text;
    tip.hidden = false;
    const area = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(6, Math.min(x + 14, innerWidth - area.width - 6))}px`;
    tip.style.top = `${y + 18 + area.height > innerHeight ? Math.max(6, y - area.height - 12) : y + 18}px`;
  };
  for (const mark of all("[data-tip]")) {
    mark.addEventListener("pointermove", (event) => showTip(mark.dataset.tip, event.clientX, event.clientY));
    mark.addEventListener("pointerleave", () => { tip.hidden = true; });
    mark.addEventListener("focus", () => {
      if (!mark.matches(":focus-visible")) return;
      const area = mark.getBoundingClientRect();
      showTip(mark.dataset.tip, area.left, area.bottom);
    });
    mark.addEventListener("blur", () => { tip.hidden = true; });
  }
  addEventListener("keydown", (event) => { if (event.key === "Escape") tip.hidden = true; });

  // --- clips: bars and rows belong together ---
  const rows = all("tr[data-clip]"), bars = all(".clip[data-clip]");
  const pick = (clip, reveal) => {
    for (const one of [...rows, ...bars]) one.classList.toggle("picked", one.dataset.clip === clip);
    const row = rows.find((one) => one.dataset.clip === clip);
    if (row && reveal) {
      row.scrollIntoView({ block: "center" });
      row.focus({ preventScroll: true });
    }
  };
  for (const bar of bars) {
    bar.addEventListener("click", () => pick(bar.dataset.clip, true));
    bar.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      pick(bar.dataset.clip, true);
    });
  }
  for (const row of rows) row.addEventListener("click", () => pick(row.dataset.clip, false));
  for (const link of all(".to-clip")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      pick(link.dataset.clip, true);
    });
  }

  for (const pane of all(".graph-scroll")) pane.scrollLeft = (pane.scrollWidth - pane.clientWidth) / 2;

  // --- filters ---
  const chips = all(".filter"), filter = byId("filter"), shown = byId("shown");
  const apply = () => {
    const on = new Set(chips.filter((chip) => chip.getAttribute("aria-pressed") === "true").map((chip) => chip.dataset.priority));
    const wanted = filter.value.trim().toLowerCase();
    let count = 0;
    const visible = new Set();
    for (const row of rows) {
      const fits = on.has(row.dataset.priority) && (!wanted || row.textContent.toLowerCase().includes(wanted));
      row.hidden = !fits;
      if (fits) {
        count += 1;
        visible.add(row.dataset.clip);
      }
    }
    for (const bar of bars) bar.classList.toggle("out", !visible.has(bar.dataset.clip));
    shown.textContent = count === rows.length ? "" : `${count} of ${rows.length}`;
  };
  for (const chip of chips) {
    chip.addEventListener("click", () => {
      chip.setAttribute("aria-pressed", String(chip.getAttribute("aria-pressed") !== "true"));
      apply();
    });
  }
  if (filter) filter.addEventListener("input", apply);

  // --- sorting ---
  const value = (cell) => {
    if (cell.dataset.value !== undefined) return Number(cell.dataset.value);
    return cell.classList.contains("num") ? Number.NEGATIVE_INFINITY : cell.textContent.trim().toLowerCase();
  };
  const order = (one, other) => (typeof one === "number" ? one - other : one.localeCompare(other));
  for (const button of all("button.sort")) {
    button.addEventListener("click", () => {
      const head = button.closest("th"), body = head.closest("table").tBodies[0];
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const sorted = [...body.rows].sort((a, b) => order(value(a.cells[head.cellIndex]), value(b.cells[head.cellIndex])));
      body.append(...(down ? sorted.reverse() : sorted));
    });
  }
})();
