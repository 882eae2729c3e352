// Times in the zone of the viewer, and whether the page is live. Pages work without this script.
"use strict";

const zone = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

function showTimes(root) {
  for (const time of root.querySelectorAll("time:not([title])")) {
    const moment = new Date(time.dateTime);
    if (!Number.isNaN(moment.getTime())) {
      time.title = time.textContent;
      time.textContent = zone.format(moment);
    }
  }
}

function tell(words) {
  for (const place of document.querySelectorAll("[data-live]")) {
    if (place.textContent !== words) place.textContent = words;
  }
}

// A box for all boxes of a form; hidden without a script, as it would do nothing.
for (const label of document.querySelectorAll("[data-all]")) {
  label.hidden = false;
  label.addEventListener("change", (event) => {
    for (const box of label.closest("form").querySelectorAll("input[name=id]")) {
      box.checked = event.target.checked;
    }
  });
}

showTimes(document);
document.addEventListener("htmx:afterSwap", (event) => showTimes(event.target));
document.addEventListener("htmx:sseOpen", () => tell("Live."));
document.addEventListener("htmx:sseError", () => tell("The connection is lost. Trying again."));
