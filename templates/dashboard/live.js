// Keeps the part of the page that is marked live up to date: fetches the page again and swaps that part, unless
// somebody is typing, has something folded open, or has text selected there. Without this script the page still works.
"use strict";
const EVERY = 2000;
async function refresh() {
  const live = document.getElementById("live");
  if (!live || document.hidden) return;
  const busy = live.contains(document.activeElement) || live.querySelector("details[open]") || String(getSelection());
  if (busy) return;
  try {
    const answer = await fetch(location.href, { credentials: "same-origin" });
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const id of ["live", "counts"]) {
      const now = page.getElementById(id);
      const here = document.getElementById(id);
      if (now && here && now.innerHTML !== here.innerHTML) here.replaceWith(now);
    }
  } catch { /* the gateway is away; the next round tries again */ }
}
setInterval(refresh, EVERY);
