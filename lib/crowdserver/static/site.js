"use strict";
// The pages work without this. It counts the time left down, and notices when the work in the frame is in.

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

function tick() {
  for (const element of countdowns) {
    const left = Math.floor(Number(element.dataset.secondsLeft) - (performance.now() - opened) / 1000);
    element.textContent = left > 0 ? `${inWords(left)} left` : "the time is up";
  }
}

const timer = countdowns.length > 0 ? setInterval(tick, 1000) : undefined;

const frame = document.querySelector("iframe[data-state]");
const next = document.getElementById("next");
const working = document.getElementById("working");

function showNext() {
  next.querySelector("button").textContent = "Next task";
  next.hidden = false;
  working.hidden = true;
  document.getElementById("deadline").hidden = true;
  clearInterval(timer);
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
  frame.addEventListener("load", look);
}
