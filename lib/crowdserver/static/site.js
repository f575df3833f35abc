"use strict";
// The pages work without this. It counts the time left down and warns before it is up, notices when the work in the
// frame is in, asks before something is lost, and shows times as the worker's clock does.

const PARTS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

function inWords(seconds) {
  const words = [];
  for (const [name, size] of PARTS) {
    const count = Math.floor(seconds / size);
    seconds -= count * size;
    if (count > 0) words.push(`${count} ${name}${count === 1 ? "" : "s"}`);
    if (words.length === 2) break;
  }
  return words.join(" ");
}

const opened = performance.now();
const countdowns = [...document.querySelectorAll("[data-seconds-left]")];

// The last of these that the time left has come to is said once.
const WARNINGS = [
  [300, "under 5 min", "Less than five minutes are left. Submit soon."],
  [60, "under 1 min", "Less than one minute is left. Submit now."],
  [0, "time is up", "The time is up, and this cannot be submitted any more. What you entered is still here to copy."],
];
const title = document.title;
const warning = document.getElementById("warning");
let warned = -1;

function warn(left) {
  const which = WARNINGS.findLastIndex(([seconds]) => left <= seconds);
  if (which <= warned) return;
  warned = which;
  const [, brief, words] = WARNINGS[which];
  document.title = `${brief}: ${title}`;
  warning.hidden = false;
  warning.textContent = words;
}

function tick() {
  for (const element of countdowns) {
    const left = Math.floor(Number(element.dataset.secondsLeft) - (performance.now() - opened) / 1000);
    element.textContent = left > 0 ? `${inWords(left)} left` : "the time is up";
    if (warning) warn(left);
  }
}

const timer = countdowns.length > 0 ? setInterval(tick, 1000) : undefined;

const frame = document.querySelector("iframe[data-state]");
const next = document.getElementById("next");
const stop = document.getElementById("stop");
const working = document.getElementById("working");

function showNext() {
  const button = next.querySelector("button");
  button.textContent = button.dataset.then;
  next.hidden = false;
  working.hidden = true;
  document.getElementById("deadline").hidden = true;
  stop.hidden = false;
  clearInterval(timer);
  warning.hidden = true;
  document.title = title;
}

async function look() {
  try {
    const answer = await fetch(frame.dataset.state, { cache: "no-store" });
    if ((await answer.json()).state !== "working") showNext();
  } catch {
    next.hidden = false; // the server did not say: let the worker ask by going on
  }
}

if (frame && next) {
  next.hidden = true;
  stop.hidden = true;
  frame.addEventListener("load", look);
}

for (const form of document.querySelectorAll("form[data-ask]")) {
  form.addEventListener("submit", (event) => {
    if (!confirm(form.dataset.ask)) event.preventDefault();
  });
}

for (const time of document.querySelectorAll("time[datetime]")) {
  const shown = { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" };
  time.title = time.textContent;
  time.textContent = new Date(time.dateTime).toLocaleString(undefined, shown);
}
