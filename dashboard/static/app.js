// Enhancements only: every page works without this file.
(function () {
  "use strict";

  function css(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }

  // The graph: uPlot draws into the box the server's SVG stands in, so nothing moves.
  function drawGraph(plot) {
    if (plot.graph) plot.graph.destroy();
    plot.querySelectorAll(".tooltip").forEach(function (old) { old.remove(); });
    var data = JSON.parse(plot.dataset.graph);
    var count = data.values.length;
    if (typeof uPlot === "undefined" || count < 2) return;
    var tail = data.unfinished ? count - 1 : count;
    var solid = data.values.map(function (v, i) { return i < tail ? v : null; });
    var last = data.values.map(function (v, i) { return data.unfinished && i >= tail - 1 ? v : null; });
    var before = data.before.length ? data.before : data.values.map(function () { return null; });
    var tooltip = document.createElement("div");
    tooltip.className = "tooltip";
    tooltip.hidden = true;
    var line = css("--line");

    function fill(u) {
      var shade = u.ctx.createLinearGradient(0, u.bbox.top, 0, u.bbox.top + u.bbox.height);
      shade.addColorStop(0, line + "33");
      shade.addColorStop(1, line + "03");
      return shade;
    }

    function show(u) {
      var i = u.cursor.idx;
      if (i == null || u.cursor.left < 0) { tooltip.hidden = true; return; }
      tooltip.textContent = "";
      [["span", data.labels[i]], ["b", data.texts[i]]].forEach(function (part) {
        tooltip.appendChild(document.createElement(part[0])).textContent = part[1];
      });
      if (data.beforeLabels[i]) {
        tooltip.appendChild(document.createElement("span")).textContent = data.beforeLabels[i] + ": " + data.beforeTexts[i];
      }
      (data.notes[i] || []).forEach(function (note) {
        var line = tooltip.appendChild(document.createElement("span"));
        line.className = "tooltip-note";
        line.textContent = note;
      });
      tooltip.hidden = false;
      var x = u.valToPos(i, "x");
      var left = x + 16 + tooltip.offsetWidth > u.over.clientWidth ? x - 16 - tooltip.offsetWidth : x + 16;
      tooltip.style.transform = "translate(" + Math.max(0, Math.round(left)) + "px, 8px)";
    }

    function zoom(u) {
      if (u.select.width < 12 || !data.days.length) return;
      var first = Math.max(0, Math.round(u.posToVal(u.select.left, "x")));
      var end = Math.min(count - 1, Math.round(u.posToVal(u.select.left + u.select.width, "x")));
      var address = plot.dataset.zoom.replace("FIRST", data.days[first]).replace("LAST", data.days[end]);
      htmx.ajax("GET", address, { source: "#dashboard", target: "#dashboard", select: "#dashboard", swap: "outerHTML show:none" });
      history.pushState(null, "", address);
    }

    plot.graph = new uPlot({
      width: plot.clientWidth,
      height: plot.clientHeight,
      padding: [0, 0, 0, 0],
      legend: { show: false },
      scales: { x: { time: false, range: [0, count - 1] }, y: { range: [0, data.top] } },
      axes: [{ show: false }, { show: false }],
      cursor: { y: false, drag: { x: data.days.length > 0, y: false, setScale: false }, points: { size: 9, width: 2.5, fill: css("--surface") } },
      series: [
        {},
        { stroke: css("--before"), width: 1.75, dash: [1, 5], cap: "round", points: { show: false } },
        { stroke: line, width: 2.25, fill: fill, cap: "round", points: { show: false } },
        { stroke: line, width: 2.25, dash: [1, 6], cap: "round", points: { show: false } }
      ],
      hooks: { setCursor: [show], setSelect: [zoom] }
    }, [data.values.map(function (_, i) { return i; }), before, solid, last], plot);
    plot.graph.over.appendChild(tooltip);
    plot.classList.add("is-enhanced");
  }

  function drawGraphs() {
    document.querySelectorAll("[data-graph]").forEach(drawGraph);
  }

  function guessTimezone(select) {
    var zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    var found = Array.from(select.options).some(function (option) { return option.value === zone; });
    if (found) select.value = zone;
  }

  function enhance(root) {
    root.querySelectorAll("[data-copy]").forEach(function (button) { button.hidden = !navigator.clipboard; });
    root.querySelectorAll("[data-graph]").forEach(drawGraph);
  }

  document.addEventListener("click", function (event) {
    document.querySelectorAll("details.menu[open]").forEach(function (menu) {
      if (!menu.contains(event.target)) menu.open = false;
    });
    var copy = event.target.closest("[data-copy]");
    if (copy) {
      navigator.clipboard.writeText(document.getElementById(copy.dataset.copy).textContent).then(function () {
        var label = copy.querySelector("span");
        var text = label.textContent;
        label.textContent = copy.dataset.copied;
        setTimeout(function () { label.textContent = text; }, 1600);
      });
    }
    var theme = event.target.closest("[data-theme-choice]");
    if (theme) {
      event.preventDefault();
      document.documentElement.dataset.theme = theme.dataset.themeChoice;
      fetch(theme.href, { credentials: "same-origin", keepalive: true });
      drawGraphs();
    }
  });

  document.addEventListener("keydown", function (event) {
    if (event.key !== "Escape") return;
    document.querySelectorAll("details.menu[open]").forEach(function (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    });
  });

  // One letter each, listed in the glossary; never while somebody writes.
  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
    var found = event.key.length === 1 && document.querySelector('[data-key="' + CSS.escape(event.key.toLowerCase()) + '"]');
    if (!found) return;
    event.preventDefault();
    found.click();
    var field = found.matches("summary") && found.parentNode.querySelector("select, a");
    if (field && found.parentNode.open) field.focus();
  });

  // The live view waits while a menu of it is open.
  document.addEventListener("htmx:beforeRequest", function (event) {
    if (event.detail.elt.matches("[data-live]") && document.querySelector("#dashboard details[open]")) event.preventDefault();
  });

  // Open tabs are in the address bar; links that were written before a tab was opened do not know it yet.
  document.addEventListener("htmx:configRequest", function (event) {
    var target = event.detail.target && event.detail.target.id;
    if (target !== "dashboard" && String(target).indexOf("panel-") !== 0) return;
    var now = new URLSearchParams(location.search);
    var parts = event.detail.path.split("?");
    var next = new URLSearchParams(parts[1] || "");
    ["sources", "pages", "locations", "devices", "goals", "prop", "at"].forEach(function (panel) {
      // On the whole dashboard only a panel's own links open tabs.
      var stale = target === "dashboard" && !now.has("details") && !next.has("details");
      if (now.has(panel) && (stale || !next.has(panel))) next.set(panel, now.get(panel));
    });
    event.detail.path = parts[0] + (next.toString() ? "?" + next : "");
  });

  // htmx notes the present path in the browser's storage; nothing here needs it.
  function forgetPath() {
    try { sessionStorage.removeItem("htmx-current-path-for-history"); } catch (refused) { /* storage is off: nothing to forget */ }
  }
  ["htmx:pushedIntoHistory", "htmx:afterSettle", "htmx:historyRestore"].forEach(function (name) {
    document.addEventListener(name, forgetPath);
  });
  addEventListener("load", forgetPath);

  document.addEventListener("htmx:afterSettle", function (event) {
    enhance(event.detail.elt.parentNode || document);
  });

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawGraphs);
  var pending;
  addEventListener("resize", function () {
    clearTimeout(pending);
    pending = setTimeout(drawGraphs, 120);
  });

  // This file runs as soon as it is there, so that keys and menus work while the rest of a page is on its way; what
  // changes the page waits for the whole of it, and for the scripts that draw.
  var whole = false;
  function begin() {
    if (whole) return;
    whole = true;
    document.querySelectorAll("[data-guess-timezone]").forEach(guessTimezone);
    enhance(document);
  }
  document.addEventListener("DOMContentLoaded", begin);
  addEventListener("load", begin);
  if (document.readyState === "complete") begin();
})();
