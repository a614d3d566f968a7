// The traffic chart: one stacked line for each kind of event, drawn again when size, span or theme changes.
"use strict";
addEventListener("DOMContentLoaded", () => {
  const box = document.querySelector("[data-chart]");
  if (!box) return;
  const colours = ["#2fb344", "#4299e1", "#f59f00", "#d63939"];
  let chart = null, data = null;

  const draw = () => {
    if (!data) return;
    const style = getComputedStyle(document.body);
    const axis = { stroke: style.color, grid: { stroke: "rgba(128,128,128,.2)", width: 1 }, ticks: { show: false } };
    const names = Object.keys(data.series);
    if (chart) chart.destroy();
    chart = new uPlot({
      width: box.clientWidth, height: 240,
      cursor: { drag: { x: false, y: false } },
      scales: { y: { range: (_, low, high) => [0, Math.max(5, high * 1.1)] } },
      axes: [axis, { ...axis, size: 44, values: (_, ticks) => ticks.map((tick) => Number.isInteger(tick) ? tick : "") }],
      series: [{ value: "{YYYY}-{MM}-{DD} {HH}:00" }, ...names.map((label, number) => ({
        label, stroke: colours[number], width: 2, fill: colours[number] + "18", points: { show: false },
      }))],
    }, [data.times, ...Object.values(data.series)], box);
    const told = names.map((name) => `${name}: ${data.series[name].reduce((sum, one) => sum + one, 0)}`).join(", ");
    box.setAttribute("aria-label", `Mail by the hour. ${told}.`);
  };

  const load = async (hours) => {
    try {
      const answer = await fetch(`${box.dataset.chart}?hours=${hours}`);
      data = await answer.json();
      draw();
    } catch {
      box.textContent = "The figures cannot be loaded just now: reload the page in a moment.";
    }
  };

  for (const button of document.querySelectorAll("[data-hours]")) {
    button.addEventListener("click", () => {
      for (const other of document.querySelectorAll("[data-hours]")) {
        other.setAttribute("aria-pressed", String(other === button));
        other.classList.toggle("active", other === button);
      }
      load(button.dataset.hours);
    });
  }
  addEventListener("themechange", draw);
  new ResizeObserver(() => chart && chart.setSize({ width: box.clientWidth, height: 240 })).observe(box);
  load(24);
});
