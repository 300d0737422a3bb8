"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  const svg = document.querySelector("#canvas > svg");
  const canvas = byId("canvas"), panel = byId("panel"), details = byId("details"), overview = byId("overview");
  const close = byId("close"), search = byId("search"), found = byId("found");
  const boxes = [...svg.querySelectorAll(".box")], links = [...svg.querySelectorAll(".link")];
  const linkIndex = (element) => Number(element.id.slice(1));
  const junctions = [...svg.querySelectorAll(".junction")].map((dot) => [dot, dot.dataset.links.split(" ")]);

  // Elements are built from text only: what a graph says never becomes markup.
  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children.filter((child) => child !== null && child !== ""));
    return element;
  };

  const above = document.createComment("lines end here");
  if (links.length) links[links.length - 1].after(above);

  // --- zoom and pan ---
  const natural = { width: svg.viewBox.baseVal.width, height: svg.viewBox.baseVal.height };
  let scale = 1;
  const zoomTo = (wanted, x = canvas.clientWidth / 2, y = canvas.clientHeight / 2) => {
    const next = Math.min(4, Math.max(0.15, wanted));
    const left = (canvas.scrollLeft + x) / scale, top = (canvas.scrollTop + y) / scale;
    scale = next;
    svg.style.width = `${natural.width * scale}px`;
    svg.style.height = `${natural.height * scale}px`;
    canvas.scrollLeft = left * scale - x;
    canvas.scrollTop = top * scale - y;
  };
  const fit = () => zoomTo(Math.min(1.25, (canvas.clientWidth - 4) / natural.width), 0, 0);
  const begin = () => {
    const wide = (canvas.clientWidth - 4) / natural.width, high = (canvas.clientHeight - 56) / natural.height;
    zoomTo(Math.max(0.62, Math.min(1, wide), Math.min(1.3, wide, high)), 0, 0);
    canvas.scrollLeft = (canvas.scrollWidth - canvas.clientWidth) / 2;
  };
  byId("zoom-in").addEventListener("click", () => zoomTo(scale * 1.25));
  byId("zoom-out").addEventListener("click", () => zoomTo(scale / 1.25));
  byId("zoom-fit").addEventListener("click", fit);
  canvas.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const area = canvas.getBoundingClientRect();
    zoomTo(scale * Math.exp(-event.deltaY / 300), event.clientX - area.left, event.clientY - area.top);
  }, { passive: false });
  let drag = null;
  canvas.addEventListener("pointerdown", (event) => {
    if (event.pointerType !== "mouse" || event.button !== 0) return;
    drag = { x: event.clientX, y: event.clientY, left: canvas.scrollLeft, top: canvas.scrollTop, moved: false };
  });
  addEventListener("pointermove", (event) => {
    if (!drag) return;
    const dx = event.clientX - drag.x, dy = event.clientY - drag.y;
    if (!drag.moved && Math.hypot(dx, dy) < 5) return;
    drag.moved = true;
    canvas.classList.add("dragging");
    canvas.scrollLeft = drag.left - dx;
    canvas.scrollTop = drag.top - dy;
  });
  addEventListener("pointerup", () => {
    canvas.classList.remove("dragging");
    if (drag) setTimeout(() => { drag = null; });
  });

  // --- what is lit ---
  const light = (lit, near) => {
    // What is lit lies on top: lines of one net share their way.
    for (const link of links) if (!lit || !lit.has(linkIndex(link))) above.before(link);
    if (lit) for (const link of links) if (lit.has(linkIndex(link))) above.before(link);
    svg.classList.toggle("focusing", lit !== null);
    for (const link of links) link.classList.toggle("lit", lit !== null && lit.has(linkIndex(link)));
    for (const [dot, members] of junctions) {
      dot.classList.toggle("lit", lit !== null && members.some((member) => lit.has(Number(member.slice(1)))));
    }
    boxes.forEach((box, index) => box.classList.toggle("near", lit !== null && near.has(index)));
  };
  const mark = (chosen) => boxes.forEach((box, index) => box.classList.toggle("selected", chosen.has(index)));
  const boxOf = (key) => data.boxes.findIndex((box) => box.key === key);

  // --- the panel ---
  const show = (...children) => {
    details.replaceChildren(...children.filter(Boolean));
    details.hidden = false;
    overview.hidden = true;
    close.hidden = false;
    panel.classList.add("open");
    panel.scrollTop = 0;
  };
  const clear = () => {
    details.replaceChildren();
    details.hidden = true;
    overview.hidden = false;
    close.hidden = true;
    panel.classList.remove("open");
    light(null, new Set());
    mark(new Set());
  };
  const nodeButton = (id, text = id) => {
    const button = make("button", { type: "button", class: "link" }, text);
    button.addEventListener("click", () => selectNode(id, true));
    return button;
  };
  const nodeOf = (port) => port.slice(0, port.indexOf("/"));
  const section = (title, content) => [make("h2", {}, title), content];
  const pairs = (rows) => {
    const list = make("dl");
    for (const [name, value] of rows) list.append(make("dt", {}, name), make("dd", {}, value));
    return list;
  };
  const codes = (rows) => pairs(rows.map(([name, value]) => [name, make("code", {}, value)]));
  const ports = (rows) => make("ul", { class: "ports" }, ...rows);
  const arrow = (sign) => make("span", { class: "arrow" }, sign);

  const selectNode = (id, reveal) => {
    const node = data.nodes[id];
    if (!node) return;
    const own = new Set(data.boxes.flatMap((box, index) => (box.node === id ? [index] : [])));
    const keys = new Set([...own].map((index) => data.boxes[index].key));
    const lit = new Set(), near = new Set(own);
    data.links.forEach((link, index) => {
      if (!keys.has(link.from) && !keys.has(link.to)) return;
      lit.add(index);
      near.add(boxOf(link.from)).add(boxOf(link.to));
    });
    light(lit, near);
    mark(own);
    const inputs = node.inputs.map((port) => make("li", {},
      make("b", {}, port.id), arrow("←"), port.node ? nodeButton(port.node, port.from) : port.from,
      make("span", { class: "fine" }, [port.type, `queue ${port.queue}`].filter(Boolean).join(" · "))));
    const outputs = node.outputs.map((port) => make("li", {},
      make("b", {}, port.id), arrow("→"),
      ...(port.to.length ? port.to.flatMap((to, index) => [index ? ", " : "", nodeButton(nodeOf(to), to)]) : ["nobody"]),
      port.type ? make("span", { class: "fine" }, port.type) : null));
    show(
      make("h2", { class: "title" }, node.name || id),
      make("p", { class: "where" }, make("span", { class: `dot role-${node.role}` }), `${node.role} · ${node.kind} · ${node.place}`),
      node.description ? make("p", { class: "about" }, node.description) : null,
      node.facts.length ? codes(node.facts) : null,
      ...(node.figures.length ? section("Now", pairs(node.figures)) : []),
      ...(inputs.length ? section(`Inputs (${inputs.length})`, ports(inputs)) : []),
      ...(outputs.length ? section(`Outputs (${outputs.length})`, ports(outputs)) : []),
      ...(node.env.length ? section("Environment", codes(node.env)) : []),
      ...(node.settings.length ? [make("h2", {}, "Settings")] : []),
      ...node.settings.map(([, text]) => make("pre", {}, text)),
    );
    if (reveal && own.size) boxes[[...own][0]].scrollIntoView({ block: "center", inline: "center" });
  };

  const selectLink = (index) => {
    const link = data.links[index];
    light(new Set([index]), new Set([boxOf(link.from), boxOf(link.to)]));
    mark(new Set());
    const rows = link.connections.map((one) => make("li", {},
      nodeButton(nodeOf(one.from), one.from), arrow("→"), nodeButton(nodeOf(one.to), one.to),
      make("span", { class: "fine" }, [one.type, one.queue].filter(Boolean).join(" · ")),
      ...one.figures.map(([name, value]) => make("span", { class: "fine" }, `${name} ${value}`)),
      make("span", { class: "fine" }, one.place)));
    const count = rows.length === 1 ? "Connection" : `${rows.length} connections`;
    show(
      make("h2", { class: "title" }, `${link.from} → ${link.to}`),
      make("p", { class: "where" }, link.back ? `${count}, feedback` : count),
      ports(rows),
    );
  };

  const pressed = (element, action) => {
    element.addEventListener("click", (event) => {
      event.stopPropagation();
      if (!drag || !drag.moved) action();
    });
    element.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      action();
    });
  };
  boxes.forEach((box, index) => pressed(box, () => selectNode(data.boxes[index].node, false)));
  links.forEach((link) => pressed(link, () => selectLink(linkIndex(link))));
  canvas.addEventListener("click", () => { if (!drag || !drag.moved) clear(); });
  close.addEventListener("click", clear);
  for (const button of document.querySelectorAll(".lists [data-node]")) {
    button.addEventListener("click", () => {
      selectNode(button.dataset.node, true);
      scrollTo({ top: 0 });
    });
  }

  // --- search ---
  const words = data.boxes.map((box) => {
    const node = data.nodes[box.node];
    const texts = [box.key, node.name, node.description, node.role, ...node.facts.flat()];
    for (const port of [...node.inputs, ...node.outputs]) texts.push(port.id, port.type);
    return texts.join("\n").toLowerCase();
  });
  const matches = () => {
    const wanted = search.value.trim().toLowerCase();
    return wanted ? new Set(words.flatMap((text, index) => (text.includes(wanted) ? [index] : []))) : null;
  };
  search.addEventListener("input", () => {
    const hits = matches();
    found.textContent = hits ? String(hits.size) : "";
    if (hits) light(new Set(), hits);
    else light(null, new Set());
    mark(hits || new Set());
  });
  search.form.addEventListener("submit", (event) => {
    event.preventDefault();
    const hits = matches();
    if (hits && hits.size) {
      const first = [...hits][0];
      selectNode(data.boxes[first].node, true);
      boxes[first].focus({ preventScroll: true });
    }
  });

  addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      search.value = "";
      found.textContent = "";
      clear();
    }
    if (event.target.closest("input") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "+" || event.key === "=") zoomTo(scale * 1.25);
    else if (event.key === "-") zoomTo(scale / 1.25);
    else if (event.key === "0") fit();
    else if (event.key === "/") {
      event.preventDefault();
      search.focus();
    }
  });
  begin();
})();
