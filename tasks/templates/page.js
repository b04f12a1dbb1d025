"use strict";
// The report's page can be read without this. It adds the values under a chart, and search, order and choice of rows.

const language = document.documentElement.lang;
const order = new Intl.Collator(language, { numeric: true });
const lower = (text) => text.toLocaleLowerCase(language);

// A chart is a slider over its points: so a screen reader says the value, and hands the arrow keys on.
for (const chart of document.querySelectorAll(".chart")) {
  const points = chart.querySelector(".points");
  const output = chart.querySelector("output");
  const titles = [...points.querySelectorAll("title")].map((title) => title.textContent);
  const cursor = points.querySelector("rect");
  points.replaceChildren(cursor);
  let place = titles.length - 1;

  const show = (wanted) => {
    place = Math.max(0, Math.min(titles.length - 1, wanted));
    cursor.setAttribute("x", place);
    output.textContent = titles[place];
    points.setAttribute("aria-valuenow", place);
    points.setAttribute("aria-valuetext", titles[place]);
  };
  const pointAt = (event) => {
    const box = points.getBoundingClientRect();
    show(Math.floor(((event.clientX - box.left) / box.width) * titles.length));
  };
  const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageUp: -7, PageDown: 7 };

  points.setAttribute("role", "slider");
  points.setAttribute("tabindex", "0");
  points.setAttribute("aria-valuemin", 0);
  points.setAttribute("aria-valuemax", titles.length - 1);
  points.addEventListener("pointermove", pointAt);
  points.addEventListener("pointerdown", pointAt);
  points.addEventListener("keydown", (event) => {
    const ends = { Home: 0, End: titles.length - 1 };
    const wanted = ends[event.key] ?? place + (steps[event.key] ?? NaN);
    if (Number.isNaN(wanted) || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    show(wanted);
  });
  show(place);
}

// A row is shown if it holds the text that is searched for, and belongs to what was chosen.
for (const tools of document.querySelectorAll(".tools")) {
  const table = tools.nextElementSibling.querySelector("table");
  const [body] = table.tBodies;
  const search = tools.querySelector("input");
  const choice = tools.querySelector("select");
  const output = tools.querySelector("output");
  const heads = [...table.tHead.rows[0].cells];
  const group = heads.findIndex((head) => "group" in head.dataset);
  const groupOf = (row) => row.cells[group].textContent.trim();

  const choose = () => {
    const wanted = lower(search.value.trim());
    let shown = 0;
    for (const row of body.rows) {
      row.hidden = !lower(row.textContent).includes(wanted) || (choice.value !== "" && choice.value !== groupOf(row));
      shown += row.hidden ? 0 : 1;
    }
    output.textContent = output.dataset.text.replace("{shown}", shown).replace("{rows}", body.rows.length);
  };

  // The number behind the text of a cell; without one, as where it is withheld, a row comes last.
  const compare = (place, sign) => (one, other) => {
    const [first, second] = [one.cells[place], other.cells[place]];
    const [before, after] = [first.dataset.value, second.dataset.value];
    if (before !== undefined && after !== undefined) return sign * (before - after);
    if (before !== undefined || after !== undefined) return before === undefined ? 1 : -1;
    return sign * order.compare(first.textContent, second.textContent);
  };
  const sort = (head, place) => {
    const direction = head.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
    for (const each of heads) each.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", direction);
    body.append(...[...body.rows].sort(compare(place, direction === "ascending" ? 1 : -1)));
  };

  for (const [place, head] of heads.entries()) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(head, place));
    head.append(button);
  }
  for (const name of [...new Set([...body.rows].map(groupOf))].sort(order.compare)) {
    choice.add(new Option(name));
  }
  search.addEventListener("input", choose);
  choice.addEventListener("change", choose);
  choose();
  tools.hidden = false;
}
