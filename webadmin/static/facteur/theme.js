// Light or dark: what the person chose here, else what her system says. Runs before the page is painted. And the
// menu of small screens.
"use strict";
(() => {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const show = () => {
    const chosen = localStorage.getItem("theme");
    document.documentElement.dataset.bsTheme = chosen || (system.matches ? "dark" : "light");
  };
  show();
  document.documentElement.classList.add("js");
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
    const menu = document.querySelector(".menu-switch"), sidebar = document.querySelector(".sidebar");
    if (menu) {
      const open = (wanted) => {
        sidebar.classList.toggle("open", wanted);
        menu.setAttribute("aria-expanded", String(wanted));
      };
      menu.addEventListener("click", () => open(!sidebar.classList.contains("open")));
      addEventListener("keydown", (event) => {
        if (event.key === "Escape" && sidebar.classList.contains("open")) { open(false); menu.focus(); }
      });
    }
    // Parts that change are asked for again when the server says so (it sends events), or else every 15 seconds;
    // not while the page is hidden, nor one in which somebody has the keyboard.
    const places = document.querySelectorAll("[data-live]"), events = document.querySelector("[data-events]");
    const refresh = async () => {
      if (document.hidden) return;
      dispatchEvent(new Event("live"));
      for (const place of places) {
        if (place.contains(document.activeElement)) continue;
        try {
          const answer = await fetch(place.dataset.live, { headers: { "X-Part": "yes" } });
          if (answer.ok && !answer.redirected) place.innerHTML = await answer.text();
        } catch {
          // Asked again later.
        }
      }
    };
    if (events) {
      const source = new EventSource(events.dataset.events);
      source.addEventListener("message", refresh);
      source.addEventListener("error", () => {
        if (source.readyState === EventSource.CLOSED) setInterval(refresh, 15000);
      });
      document.addEventListener("visibilitychange", refresh);
    }
    addEventListener("click", async (event) => {
      const button = event.target.closest("[data-copy]"), link = event.target.closest("a[data-part]");
      if (button) {
        await navigator.clipboard.writeText(document.querySelector(button.dataset.copy).textContent.trim());
        button.textContent = document.body.dataset.copied;
      } else if (link) {
        // What the link leads to takes its time: it is shown in its place on this page.
        event.preventDefault();
        link.classList.add("disabled");
        const place = document.querySelector(link.dataset.part);
        try {
          const answer = await fetch(link.href, { headers: { "X-Part": "yes" } });
          if (!answer.ok) return location.assign(link.href);
          place.innerHTML = await answer.text();
        } finally {
          link.classList.remove("disabled");
        }
      }
    });
  });
})();
