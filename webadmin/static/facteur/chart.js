// A chart: one line for each kind of thing, drawn again when size, span or theme changes.
"use strict";
addEventListener("DOMContentLoaded", () => {
  const box = document.querySelector("[data-chart]");
  if (!box) return;
  const colours = (box.dataset.colours || "#2fb344 #4299e1 #f59f00 #d63939 #ae3ec9").split(" ");
  const label = box.dataset.label, moment = box.dataset.moment || "{YYYY}-{MM}-{DD} {HH}:00";
  const table = document.querySelector("[data-chart-table]");
  let chart = null, data = null, span = box.dataset.span || 24;

  // Hours of a day, and the day at its beginning: as everywhere else, in UTC and without names.
  const shown = (time) => {
    const text = new Date(time * 1000).toISOString();
    return text.slice(11, 16) === "00:00" ? text.slice(5, 10) : text.slice(11, 16);
  };

  const draw = () => {
    if (!data) return;
    const style = getComputedStyle(document.body);
    const axis = { stroke: style.color, grid: { stroke: "rgba(128,128,128,.2)", width: 1 }, ticks: { show: false } };
    const names = Object.keys(data.series);
    if (chart) chart.destroy();
    chart = new uPlot({
      width: box.clientWidth, height: 240,
      tzDate: (time) => uPlot.tzDate(new Date(time * 1000), "UTC"),
      cursor: { drag: { x: false, y: false } },
      scales: { y: { range: (_, low, high) => [0, Math.max(5, high * 1.1)] } },
      axes: [{ ...axis, values: (_, ticks) => ticks.map(shown) }, { ...axis, size: 44, values: (_, ticks) => ticks.map((tick) => Number.isInteger(tick) ? tick : "") }],
      series: [{ label: document.body.dataset.time, value: moment }, ...names.map((label, number) => ({
        label, stroke: colours[number], width: 2, fill: colours[number] + "18", points: { show: false },
      }))],
    }, [data.times, ...Object.values(data.series)], box);
    const told = names.map((name) => `${name}: ${data.series[name].reduce((sum, one) => sum + one, 0)}`).join(", ");
    box.setAttribute("aria-label", `${label}. ${told}.`);
    if (table) table.replaceChildren(asTable(names));
  };

  // The same in words, for whoever does not see the chart: the newest first, hours without anything left out.
  const asTable = (names) => {
    const made = document.createElement("table");
    made.className = "table table-sm";
    const row = (kind, cells) => {
      const line = made.insertRow();
      for (const text of cells) {
        const cell = line.appendChild(document.createElement(kind));
        cell.textContent = text;
      }
    };
    row("th", [document.body.dataset.time, ...names]);
    for (let at = data.times.length - 1; at >= 0; at--) {
      const counts = names.map((name) => data.series[name][at]);
      if (counts.some(Boolean)) row("td", [new Date(data.times[at] * 1000).toISOString().slice(0, 16).replace("T", " "), ...counts]);
    }
    return made;
  };

  const load = async (hours) => {
    try {
      const answer = await fetch(`${box.dataset.chart}${box.dataset.chart.includes("?") ? "&" : "?"}hours=${hours}`);
      data = await answer.json();
      draw();
    } catch {
      if (!data) box.textContent = document.body.dataset.away;
    }
  };

  for (const button of document.querySelectorAll("[data-hours]")) {
    button.addEventListener("click", () => {
      for (const other of document.querySelectorAll("[data-hours]")) {
        other.setAttribute("aria-pressed", String(other === button));
        other.classList.toggle("active", other === button);
      }
      span = button.dataset.hours;
      load(span);
    });
  }
  addEventListener("themechange", draw);
  new ResizeObserver(() => chart && chart.setSize({ width: box.clientWidth, height: 240 })).observe(box);
  load(span);
  addEventListener("live", () => load(span));
});
