"use strict";
for (const filter of document.querySelectorAll(".filter")) {
  const table = filter.nextElementSibling;
  const [text, severity, stops] = filter.querySelectorAll("input[type=search],select,input[type=checkbox]");
  const order = ["critical", "high", "medium", "low", "negligible", "unknown"];
  const show = () => {
    const words = text.value.toLowerCase().split(/\s+/);
    let shown = 0;
    for (const body of table.tBodies) {
      let any = false;
      for (const row of body.rows) {
        if (!row.dataset.severity) continue;
        const all = row.textContent.toLowerCase();
        const fits = words.every((word) => all.includes(word)) &&
          (!severity.value || order.indexOf(row.dataset.severity) <= order.indexOf(severity.value)) &&
          (!stops.checked || !row.classList.contains("calm"));
        row.hidden = !fits;
        any = any || fits;
        shown += fits;
      }
      body.hidden = !any;
    }
    filter.querySelector("output").textContent = shown + " shown";
  };
  filter.hidden = false;
  filter.addEventListener("input", show);
  table.querySelectorAll("thead th").forEach((head, column) => {
    const button = document.createElement("button");
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      for (const other of head.parentNode.children) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const key = (row) => row.cells[column].dataset.key ?? row.cells[column].textContent;
      for (const body of table.tBodies) {
        const rows = [...body.rows].filter((row) => row.dataset.severity);
        rows.sort((a, b) => key(a).localeCompare(key(b), undefined, { numeric: true }) * (up ? 1 : -1));
        body.append(...rows);
      }
    });
  });
}
