// A long act: its bar moves while it runs; once it is over, the page shows what became of it.
"use strict";
addEventListener("DOMContentLoaded", () => {
  const box = document.querySelector("[data-job]");
  if (!box || box.dataset.state !== "running") return;
  const look = async () => {
    try {
      const job = await (await fetch(box.dataset.job)).json();
      if (job.state !== "running") return location.reload();
      document.getElementById("progress").value = job.percent;
      document.getElementById("h-progress").textContent = box.dataset.words.replace("{done}", job.done).replace("{total}", job.total);
    } catch {
      // Asked again in a moment.
    }
    setTimeout(look, 1000);
  };
  setTimeout(look, 500);
});
