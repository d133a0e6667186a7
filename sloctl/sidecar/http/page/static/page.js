// The page, kept current: asks for itself again whenever there is a newer snapshot. Everything works without it.
"use strict";

const live = document.getElementById("live");
const tick = Number(live.dataset.tick) * 1000;
const pause = Math.max(1000, tick / 2);
let read = Date.now();
let asking = false;
let due = false;

async function refresh() {
  if (document.hidden || asking || drag) { due = true; return; }
  asking = true;
  due = false;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (answer.ok || answer.status === 404) { update(await answer.text()); }
  } catch (broken) {
    // markStopped tells the reader.
  }
  setTimeout(() => { asking = false; if (due) { refresh(); } }, pause);
}

function update(text) {
  const fresh = new DOMParser().parseFromString(text, "text/html");
  const focused = document.activeElement;
  const pointed = [...document.querySelectorAll(".point.at")].map((rect) => [rect.closest("[data-chart]"), pointTime(rect)]);
  for (const id of ["dot", "as-of", "said", "main"]) { updateNode(document.getElementById(id), fresh.getElementById(id)); }
  if (document.title !== fresh.title) { document.title = fresh.title; }
  if (focused !== document.activeElement && focused.isConnected) { focused.focus({ preventScroll: true }); }
  for (const [chart, time] of pointed) {
    const same = [...chart.querySelectorAll(".point")].find((rect) => pointTime(rect) === time);
    if (same) { selectPoint(same); }
  }
  read = Date.now();
  markStopped();
  prepare();
}

// Makes one node like another in place, so that focus, scroll, selection and open parts stay.
function updateNode(old, fresh) {
  if (old.dataset && "keep" in old.dataset) { return; }
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && name !== "open" && name !== "tabindex") { old.removeAttribute(name); }
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value && !(name === "hidden" && "copy" in old.dataset)) { old.setAttribute(name, value); }
  }
  const known = new Map([...old.children].filter((child) => child.id).map((child) => [child.id, child]));
  let next = old.firstChild;
  for (const child of [...fresh.childNodes]) {
    const same = child.id ? known.get(child.id) : next;
    if (same && isSameNode(same, child)) {
      if (same === next) { next = next.nextSibling; } else { old.insertBefore(same, next); }
      if (same.nodeType === Node.ELEMENT_NODE) { updateNode(same, child); } else if (same.data !== child.data) { same.data = child.data; }
    } else {
      old.insertBefore(child, next);
    }
  }
  while (next) { const after = next.nextSibling; next.remove(); next = after; }
}

function isSameNode(one, other) {
  return one.nodeType === other.nodeType && one.nodeName === other.nodeName && (one.id || "") === (other.id || "");
}

function markStopped() {
  const age = Date.now() - read;
  const isStopped = age > 3 * tick + 5000;
  if (live.classList.contains("stopped") === isStopped) { return; }
  live.classList.toggle("stopped", isStopped);
  document.getElementById("stopped").textContent = isStopped
    ? "No news since then: this may be over, or worse." : "";
}

function prepare() {
  for (const button of document.querySelectorAll("[data-copy][hidden]")) { button.hidden = false; }
  for (const svg of document.querySelectorAll("[data-chart] .plot > svg:not([tabindex])")) { svg.tabIndex = 0; }
}

async function copy(button) {
  const code = button.parentElement.querySelector("code");
  getSelection().selectAllChildren(code);
  try { await navigator.clipboard.writeText(code.textContent); } catch (refused) { document.execCommand("copy"); }
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = "Copy"; }, 2000);
}

function pointTime(rect) {
  return rect.querySelector("title").textContent.split(": ")[0];
}

// One cursor for all charts: their points are the same spans of time.
function selectPoint(rect) {
  const index = [...rect.parentNode.querySelectorAll(":scope > .point")].indexOf(rect);
  for (const chart of document.querySelectorAll("[data-chart]")) {
    for (const other of chart.querySelectorAll(".at")) { other.classList.remove("at"); }
    const same = chart.querySelectorAll(".point")[index];
    if (!same) { continue; }
    same.classList.add("at");
    chart.querySelector("[data-readout]").textContent = same.querySelector("title").textContent;
  }
}

// A span that is dragged over is shown instead, in all charts.
let drag = null;
function dragTo(event) {
  const box = drag.svg.getBoundingClientRect();
  const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
  drag.shares = [Math.min(drag.start, share), Math.max(drag.start, share)];
  drag.rect.setAttribute("x", `${100 * drag.shares[0]}%`);
  drag.rect.setAttribute("width", `${100 * (drag.shares[1] - drag.shares[0])}%`);
  return box.width * (drag.shares[1] - drag.shares[0]);
}

document.addEventListener("pointerdown", (event) => {
  const svg = event.target.closest && event.target.closest("[data-chart] .plot > svg");
  if (!svg || event.button !== 0 || event.pointerType === "touch") { return; }
  const box = svg.getBoundingClientRect();
  const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  rect.setAttribute("class", "selection");
  rect.setAttribute("height", "100%");
  svg.append(rect);
  drag = { svg, rect, start: (event.clientX - box.left) / box.width, shares: [0, 0] };
});
document.addEventListener("pointermove", (event) => { if (drag) { dragTo(event); } });
document.addEventListener("pointerup", (event) => {
  if (!drag) { return; }
  const width = dragTo(event);
  const chart = drag.svg.closest("[data-chart]");
  const [begin, end] = [Number(chart.dataset.begin), Number(chart.dataset.end)];
  const [from, until] = drag.shares.map((share) => new Date(1000 * (begin + share * (end - begin))).toISOString().slice(0, 19) + "Z");
  drag.rect.remove();
  drag = null;
  if (width < 8) { return; }
  const query = new URLSearchParams(location.search);
  query.delete("range");
  query.set("from", from);
  query.set("until", until);
  location.search = query;
});

function selectNext(svg, by) {
  const points = [...svg.querySelectorAll(".point")];
  const now = points.findIndex((rect) => rect.classList.contains("at"));
  const next = now < 0 ? points.length - 1 : Math.min(points.length - 1, Math.max(0, now + by));
  if (points[next]) { selectPoint(points[next]); }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) { copy(button); }
});
document.addEventListener("pointerover", (event) => {
  if (event.target.classList && event.target.classList.contains("point")) { selectPoint(event.target); }
});
document.addEventListener("keydown", (event) => {
  const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (by && event.target.matches("[data-chart] svg")) { event.preventDefault(); selectNext(event.target, by); }
});
// What is typed filters at once; the address follows, so that it can be shared and survives a reload.
let typing = 0;
document.addEventListener("input", (event) => {
  if (!event.target.matches(".filter input:not([type=checkbox])")) { return; }
  clearTimeout(typing);
  typing = setTimeout(() => {
    const fields = [...new FormData(event.target.form)].filter(([name, value]) => value && `${name}=${value}` !== "sort=worst");
    const query = new URLSearchParams(fields).toString();
    history.replaceState(null, "", query ? `/?${query}` : "/");
    refresh();
  }, 200);
});
document.addEventListener("keydown", (event) => {
  const text = document.querySelector(".filter input[type=search]");
  if (event.key !== "/" || !text || event.target.closest("input, select, textarea")) { return; }
  event.preventDefault();
  text.focus();
  text.select();
});
document.addEventListener("change", (event) => {
  if (event.target.matches(".filter select, .filter input[type=checkbox]")) { event.target.form.requestSubmit(); }
});

// Only while someone looks: a browser has six connections to a host, for all of its tabs together. A stream
// that comes back may have missed something; one that was refused does not come back by itself.
let snapshots = null;
function listen() {
  snapshots = new EventSource("/live");
  snapshots.addEventListener("snapshot", refresh);
  snapshots.addEventListener("error", () => { due = true; });
  snapshots.addEventListener("open", () => { if (due) { refresh(); } });
}

document.addEventListener("visibilitychange", () => {
  snapshots.close();
  if (!document.hidden) { refresh(); listen(); }
});

document.documentElement.classList.add("live");
prepare();
listen();
setInterval(markStopped, 1000);
setInterval(() => { if (!document.hidden && snapshots.readyState === EventSource.CLOSED) { refresh(); } }, Math.max(tick, 5000));
