// Light or dark: what the person chose here, else what her system says. Runs before the page is painted.
"use strict";
(() => {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const show = () => {
    const chosen = localStorage.getItem("theme");
    document.documentElement.dataset.bsTheme = chosen || (system.matches ? "dark" : "light");
  };
  show();
  system.addEventListener("change", show);
  addEventListener("DOMContentLoaded", () => {
    for (const button of document.querySelectorAll("[data-theme-switch]")) {
      button.addEventListener("click", () => {
        const dark = document.documentElement.dataset.bsTheme === "dark";
        localStorage.setItem("theme", dark ? "light" : "dark");
        show();
        dispatchEvent(new Event("themechange"));
      });
    }
    for (const button of document.querySelectorAll("[data-copy]")) {
      button.addEventListener("click", async () => {
        await navigator.clipboard.writeText(document.querySelector(button.dataset.copy).textContent.trim());
        button.textContent = "Copied";
      });
    }
  });
})();
