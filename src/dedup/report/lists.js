// The three lists: clusters, pages that carry several texts, and other pairs.

const ROWS_SHOWN = 50;

function about([id, source, published, moment, title, kept, relation, jaccard, inside, share]) {
  return { id, source, published, moment, title, kept, relation, jaccard, inside, share };
}

// What a search looks at: letters alone, in one case.
function folded(text) {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}

function clusterOf([size, outlets, first, beginning, rows], number) {
  const members = rows.map(about);
  const scores = members
    .slice(1)
    .map((member) => member.jaccard)
    .filter((jaccard) => jaccard != null);
  return {
    number,
    size,
    outlets,
    beginning,
    members,
    first: first == null ? null : members[first],
    least: scores.length ? scores.reduce((least, jaccard) => Math.min(least, jaccard)) : null,
    words: folded(
      [beginning, ...members.flatMap(({ id, title, source }) => [id, title, source])].filter(Boolean).join("\n"),
    ),
  };
}

const ORDERS = {
  size: (cluster) => -cluster.size,
  first: (cluster) => (cluster.first ? span(cluster.first)[0] : Infinity),
  canonical: (cluster) => cluster.members[0].id,
  least: (cluster) => cluster.least ?? Infinity,
};

function sorted(clusters, name) {
  const keys = new Map(clusters.map((cluster) => [cluster, ORDERS[name](cluster)]));
  const compare = (left, right) => (left < right ? -1 : left > right ? 1 : 0);
  return [...clusters].sort((left, right) => compare(keys.get(left), keys.get(right)) || left.number - right.number);
}

function clusterRow(cluster, toggle) {
  const kept = cluster.members[0];
  const names = [...new Set(cluster.members.map((member) => member.source).filter(Boolean))].sort().slice(0, 4);
  const more = cluster.outlets - names.length;
  const title = kept.title ?? (cluster.beginning && `“${cluster.beginning}”`) ?? kept.id;
  const label = (text) => make("span", { class: "label" }, text);
  const sources = names.length ? [listed(names), more > 0 ? ` and ${digits(more)} more` : ""].flat() : "–";
  const first = cluster.first ? line(printed(cluster.first), optional(cluster.first.source)) : "–";
  return make(
    "button",
    { class: "row", type: "button", "aria-expanded": "false", click: toggle },
    make("span", { class: "number size" }, digits(cluster.size), sign(" members")),
    make("span", {}, field(title, { class: `title${kept.title ? "" : " quoted"}` }), field(kept.id, { class: "id" })),
    make("span", { class: "sources" }, label("Sources: "), sources),
    make("span", { class: "first" }, label("First printed: "), first),
    make("span", { class: "number least" }, label("Least Jaccard: "), score(cluster.least)),
  );
}

function pageRow(page) {
  const body = make("div", { class: "panel", hidden: true });
  const button = make(
    "button",
    {
      class: "row",
      type: "button",
      "aria-expanded": "false",
      click: () => {
        const open = button.getAttribute("aria-expanded") !== "true";
        button.setAttribute("aria-expanded", open);
        body.hidden = !open;
        if (open && !body.childElementCount) body.append(carried(page));
      },
    },
    make(
      "span",
      { class: "number size" },
      String(new Set(page.carried.map(({ id }) => id)).size),
      sign(" texts carried"),
    ),
    make("span", {}, field(page.title ?? page.id, { class: "title" }), field(page.id, { class: "id" })),
    make("span", {}, page.source ? field(page.source) : "–"),
    make("span", {}, printed(page) ? field(printed(page)) : "–"),
    make("span", { class: "number" }, percent(page.unexplained), make("span", { class: "about" }, " its own")),
  );
  return make("li", {}, make("h3", {}, button), body);
}

function carried(page) {
  const stretchMark = (text, { what }) =>
    make(
      "span",
      { class: "stretch" },
      make("span", { class: "kind", dir: "ltr" }, "from ", field(page.carried[what].id)),
      visible(text),
    );
  return make(
    "div",
    { class: "whole" },
    make(
      "ol",
      { class: "carried" },
      page.carried.map((document) =>
        make(
          "li",
          {},
          line(count(document.words, "word"), field(document.id), optional(document.source), optional(document.title)),
        ),
      ),
    ),
    make(
      "div",
      { class: "beside single", tabindex: 0, role: "region", "aria-label": "The page" },
      make(
        "article",
        {},
        heading("Page", page, page.texts.url),
        make(
          "div",
          {},
          cutNote(page.texts),
          block(
            page.texts.text,
            [outside(ranges(page.texts.furniture, 1), page.stretches), furnitureMark],
            [page.stretches, stretchMark],
          ),
        ),
      ),
    ),
  );
}

// The ranges that overlap none of the others: furniture inside a stretch is shown as part of it.
function outside(found, others) {
  return found.filter((range) => !others.some((other) => range.start < other.end && other.start < range.end));
}

function pageOf(fields) {
  const [unexplained, texts, stretches, documents] = fields.slice(5);
  return {
    ...about(fields.slice(0, 5)),
    unexplained,
    texts,
    stretches: ranges(stretches).map((range, place) => ({ ...range, what: place })),
    carried: documents.map(([words, ...rest]) => ({ words, ...about(rest) })),
  };
}

function pairRow([relation, later, jaccard, ofLeft, ofRight, left, right]) {
  const side = (fields, isLater) => {
    const document = about(fields);
    return make(
      "td",
      {},
      field(document.id),
      isLater && [" ", make("span", { class: "badge" }, "later")],
      make(
        "div",
        { class: "about" },
        line(optional(document.source), optional(printed(document)), optional(document.title)),
      ),
    );
  };
  const cell = (text) => make("td", { class: "number" }, text);
  return make(
    "tr",
    {},
    make("td", {}, index.relations[relation]),
    side(left, later === "left"),
    side(right, later === "right"),
    cell(score(jaccard)),
    cell(percent(ofLeft)),
    cell(percent(ofRight)),
  );
}

function browsePairs(pairs) {
  const { totals } = index;
  const choice = document.getElementById("pair-relation");
  const all = Object.values(totals.pairs).reduce((sum, each) => sum + each, 0);
  for (const [name, number] of [["all", all], ...Object.entries(totals.pairs)]) {
    choice.append(make("option", { value: name === "all" ? "" : name }, `${name} (${digits(number)})`));
  }
  const show = () => {
    const chosen = choice.value ? pairs.filter(([relation]) => index.relations[relation] === choice.value) : pairs;
    const missing = (choice.value ? totals.pairs[choice.value] : all) - chosen.length;
    const note = missing ? ` listed, the most alike of each relation; ${digits(missing)} more not in this file` : "";
    document.getElementById("pair-status").textContent = count(chosen.length, "pair") + note;
    paged("pair-list", "pair-pager", chosen, pairRow);
  };
  document.getElementById("pairs").hidden = !all;
  choice.addEventListener("change", show);
  show();
}

// A list that shows some entries at once.
function paged(list, nav, entries, row) {
  const element = document.getElementById(list);
  const show = (first) => {
    element.replaceChildren(...entries.slice(first, first + ROWS_SHOWN).map((entry) => row(entry)));
    pager(document.getElementById(nav), {
      total: entries.length,
      first,
      size: ROWS_SHOWN,
      go: show,
      focus: () => element.scrollIntoView(),
    });
  };
  show(0);
}
