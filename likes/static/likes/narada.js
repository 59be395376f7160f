// The pages work without this: it only ticks all boxes of a list at once, and says how many are.
"use strict";

function boxesOf(all) {
  return [...document.querySelectorAll('input[type="checkbox"][name="' + all.dataset.ticks + '"]')];
}

function tellTicked() {
  for (const all of document.querySelectorAll("[data-ticks]")) {
    const boxes = boxesOf(all);
    const ticked = boxes.filter((box) => box.checked).length;
    all.checked = ticked > 0 && ticked === boxes.length;
    all.indeterminate = ticked > 0 && ticked < boxes.length;
    const told = document.querySelector("[data-ticked]");
    if (told) told.textContent = ticked ? ticked + " ticked" : "none ticked";
  }
}

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-ticks]")) {
    for (const box of boxesOf(event.target)) box.checked = event.target.checked;
  }
  tellTicked();
});
document.addEventListener("htmx:afterSettle", tellTicked);
document.addEventListener("DOMContentLoaded", tellTicked);
