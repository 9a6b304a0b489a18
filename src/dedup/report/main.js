// Starts the page, and keeps the list of clusters, the search and the address in step.

const byId = (name) => document.getElementById(name);

async function start() {
  if (typeof DecompressionStream === "undefined") {
    return tell("This browser is too old to unpack the clusters: it lacks DecompressionStream.");
  }
  const [clusters, pages, pairs] = await Promise.all(["clusters", "pages", "pairs"].map(all));
  tellLimits();
  browse(clusters.map(clusterOf));
  byId("pages").hidden = !index.totals.pages;
  paged("page-list", "page-pager", pages.map(pageOf), pageRow);
  browsePairs(pairs);
}

function tell(text) {
  byId("notes").append(make("p", { class: "note" }, text));
}

// Says what had no room in this file.
function tellLimits() {
  const { totals } = index;
  const reason = " in this file, for want of room.";
  const listed = stored("clusters");
  const unlisted = totals.clusters - listed;
  if (unlisted) tell(`${count(unlisted, "cluster")} of ${digits(totals.clusters)}, the smallest, not listed${reason}`);
  const bare = listed - stored("texts");
  if (bare) tell(`${count(bare, "cluster")} of the ${digits(listed)} listed, the smallest, without texts${reason}`);
  const missing = totals.pages - stored("pages");
  if (missing)
    tell(`${count(missing, "page")} of ${digits(totals.pages)} that carry several texts not listed${reason}`);
}

function browse(clusters) {
  const list = byId("cluster-list");
  const search = byId("search");
  const sort = byId("sort");
  let shown = clusters;
  let first = 0;
  let open = null;

  const rows = () => [...list.querySelectorAll(".row")];
  const rowOf = (cluster) => byId(`cluster-${cluster.number}`);

  function render(start) {
    first = start;
    list.replaceChildren(
      ...shown.slice(first, first + ROWS_SHOWN).map((cluster) => {
        const row = clusterRow(cluster, () => go(open?.cluster === cluster ? null : cluster));
        row.id = `cluster-${cluster.number}`;
        return make("li", {}, make("h3", {}, row));
      }),
    );
    pager(byId("cluster-pager"), {
      total: shown.length,
      first,
      size: ROWS_SHOWN,
      go: render,
      focus: () => rows()[0].focus(),
    });
    const words = search.value.trim();
    const all = count(clusters.length, "cluster");
    byId("status").textContent = words ? `${digits(shown.length)} of ${all}` : all;
    if (open && rowOf(open.cluster)) unfold();
  }

  function filter() {
    const words = folded(search.value).split(/\s+/).filter(Boolean);
    shown = sorted(
      clusters.filter((cluster) => words.every((word) => cluster.words.includes(word))),
      sort.value,
    );
    render(0);
  }

  // The open cluster is what the address says, so that a link leads to it and the browser's way back closes it.
  function address(cluster, member) {
    const fields = new URLSearchParams({ cluster: cluster.members[0].id });
    if (member > 1) fields.set("member", cluster.members[member].id);
    return `#${fields}`;
  }

  function go(cluster) {
    if (cluster) {
      location.hash = address(cluster, 1);
    } else {
      // An address that is set would scroll there.
      history.pushState(null, "", "#clusters");
      fold()?.focus();
    }
  }

  function follow() {
    const fields = new URLSearchParams(location.hash.slice(1));
    const id = fields.get("cluster");
    const cluster = id == null ? null : (clusters.find(({ members }) => members[0].id === id) ?? null);
    fold();
    if (!cluster) return;
    const member = cluster.members.findIndex((each) => each.id === fields.get("member"));
    open = { cluster, member: Math.max(1, member) };
    if (!shown.includes(cluster)) {
      search.value = "";
      shown = sorted(clusters, sort.value);
    }
    const place = shown.indexOf(cluster);
    if (rowOf(cluster)) unfold();
    else render(place - (place % ROWS_SHOWN));
    rowOf(cluster).focus({ preventScroll: true });
    rowOf(cluster).scrollIntoView({ block: "nearest" });
  }

  async function unfold() {
    const now = open;
    const row = rowOf(now.cluster);
    row.setAttribute("aria-expanded", "true");
    const element = await panel(now.cluster, now.member, (member) => {
      now.member = member;
      history.replaceState(null, "", address(now.cluster, member));
    });
    // Another one may have been opened meanwhile, or the list drawn anew.
    if (open !== now || !row.isConnected || row.getAttribute("aria-controls")) return;
    element.id = "open-cluster";
    row.setAttribute("aria-controls", element.id);
    row.closest("li").append(element);
  }

  function fold() {
    byId("open-cluster")?.remove();
    const row = open && rowOf(open.cluster);
    row?.setAttribute("aria-expanded", "false");
    row?.removeAttribute("aria-controls");
    open = null;
    return row;
  }

  list.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && open) return go(null);
    const all = rows();
    const at = all.indexOf(document.activeElement);
    if (at < 0) return;
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to == null) return;
    event.preventDefault();
    if (to < 0) search.focus();
    else all[Math.min(to, all.length - 1)].focus();
  });
  search.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") {
      event.preventDefault();
      rows()[0]?.focus();
    } else if (event.key === "Escape" && search.value) {
      event.preventDefault();
      search.value = "";
      filter();
    }
  });
  document.addEventListener("keydown", (event) => {
    const isTyping = /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement?.tagName);
    if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      search.focus();
      search.select();
    }
  });
  byId("tools").addEventListener("submit", (event) => {
    event.preventDefault();
    rows()[0]?.focus();
  });
  search.addEventListener("input", filter);
  sort.addEventListener("change", filter);
  addEventListener("hashchange", follow);

  if (clusters.length) {
    byId("tools").hidden = byId("columns").hidden = false;
    filter();
    follow();
  } else {
    byId("notes").append(make("p", { class: "empty" }, "No two documents are the same text."));
  }
  document.documentElement.dataset.ready = "true";
}

start().catch((error) => {
  tell(`The clusters cannot be shown: ${error.message}`);
  throw error;
});
