"use strict";
const tip = document.getElementById("tip");
document.addEventListener("mousemove", (event) => {
  const owner = event.target.closest("[data-tip]");
  tip.style.opacity = owner ? 1 : 0;
  if (!owner) return;
  tip.textContent = owner.dataset.tip;
  const x = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8);
  const below = event.clientY + 18;
  const fits = below + tip.offsetHeight < innerHeight;
  const y = fits ? below : event.clientY - tip.offsetHeight - 12;
  tip.style.transform = `translate(${Math.max(x, 8)}px, ${y}px)`;
});
document.getElementById("theme").addEventListener("click", () => {
  const root = document.documentElement;
  const set = root.style.colorScheme;
  const dark = set ? set === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.style.colorScheme = dark ? "light" : "dark";
});
