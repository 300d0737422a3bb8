"use strict";
// Keeps a list of tasks fresh. Text from the server is only ever set as text.
(() => {
  const table = document.querySelector("table[data-live]");
  const status = document.getElementById("live");
  if (!table) return;
  const every = 2000;
  const spanText = (seconds) => {
    if (seconds === null) return "";
    const whole = Math.round(seconds), hours = Math.floor(whole / 3600), minutes = Math.floor(whole / 60) % 60;
    return hours ? `${hours} h ${minutes} min` : minutes ? `${minutes} min ${whole % 60} s` : `${whole} s`;
  };
  const put = (row, field, text) => {
    const cell = row.querySelector(`[data-field=${field}]`);
    if (cell && cell.textContent !== text) cell.textContent = text;
  };
  const refresh = async () => {
    try {
      const reply = await fetch(table.dataset.live, { credentials: "same-origin" });
      if (reply.status === 401) { location.assign("/login"); return; }
      if (!reply.ok) throw new Error(String(reply.status));
      const rows = (await reply.json()).rows;
      const known = new Map([...table.tBodies[0].rows].map((row) => [row.dataset.id, row]));
      if (rows.some((each) => !known.has(each.id))) { location.reload(); return; }
      for (const each of rows) {
        const row = known.get(each.id);
        put(row, "state", each.state);
        put(row, "percent", `${each.percent} %`);
        put(row, "left", spanText(each.left_s));
        put(row, "device", each.device);
        put(row, "note", each.note);
        row.querySelector("[data-field=bar]").value = each.percent;
      }
      if (status.textContent) status.textContent = "";
    } catch (error) {
      status.textContent = "The server does not answer; the list may be old.";
    }
    setTimeout(refresh, every);
  };
  setTimeout(refresh, every);
})();
