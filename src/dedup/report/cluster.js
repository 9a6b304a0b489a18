// One open cluster: its members, when each was printed, and the text of one beside the kept one.

const MEMBERS_SHOWN = 50;

// The day or time that a date means, in ISO 8601; what the document says when that is no date.
function printed({ moment, published }) {
  if (moment == null) return published;
  return typeof moment === "string" ? moment : new Date(moment * 1000).toISOString().replace(/(:00)?\.000Z$/, "Z");
}

// The first and the last second that a date means.
function span({ moment }) {
  if (moment == null) return [Infinity, Infinity];
  if (typeof moment === "number") return [moment, moment];
  const day = Date.parse(moment) / 1000;
  return [day, day + 86399];
}

function lag(seconds) {
  if (seconds < 60) return "";
  const [days, hours, minutes] = [seconds / 86400, (seconds / 3600) % 24, (seconds / 60) % 60].map(Math.floor);
  if (days) return `+${days} d${hours ? ` ${hours} h` : ""}`;
  return hours ? `+${hours} h${minutes ? ` ${minutes} min` : ""}` : `+${minutes} min`;
}

function relation(member) {
  return member.relation == null ? "connected" : index.relations[member.relation];
}

function timeline(cluster) {
  const dated = cluster.members.filter((member) => member.moment != null);
  const undated = cluster.members.length - dated.length;
  dated.sort((left, right) => span(left)[1] - span(right)[1]);
  if (cluster.first != null) {
    dated.splice(dated.indexOf(cluster.first), 1);
    dated.unshift(cluster.first);
  }
  const from = Math.min(...dated.map((member) => span(member)[0]));
  const to = Math.max(...dated.map((member) => span(member)[1]), from + 1);
  const place = (second) => `${(2 + (96 * (second - from)) / (to - from)).toFixed(2)}%`;
  const row = (member) => {
    const [start, end] = span(member);
    const isFirst = member === cluster.first;
    const title = member.published ? { title: `in the document: ${member.published}` } : {};
    const track = draw(
      "svg",
      { "aria-hidden": true },
      draw("line", { x1: "0", x2: "100%", y1: "50%", y2: "50%" }),
      draw("line", { class: "mark", x1: place(start), x2: place(end), y1: "50%", y2: "50%" }),
    );
    return make(
      "li",
      {},
      make("time", { datetime: printed(member), ...title }, printed(member)),
      make(
        "span",
        {},
        field(member.source ?? member.id),
        isFirst && [" ", make("span", { class: "badge" }, "first printed")],
      ),
      track,
      make("span", { class: "lag" }, isFirst ? "" : lag(start - span(cluster.first ?? member)[0])),
    );
  };
  const list = make("ol", { class: "timeline", tabindex: 0, "aria-label": "Members by time of publication" });
  const nav = make("nav", { class: "pager", "aria-label": "Pages of the timeline" });
  const show = (first) => {
    list.replaceChildren(...dated.slice(first, first + MEMBERS_SHOWN).map(row));
    pager(nav, { total: dated.length, first, size: MEMBERS_SHOWN, go: show });
  };
  show(0);
  const named = cluster.members
    .filter((member) => member.moment == null)
    .slice(0, 10)
    .map(({ source, id, published }) => (source ?? id) + (published ? ` (“${published}”)` : ""));
  return make(
    "div",
    {},
    make("h4", {}, "Who printed it when"),
    dated.length ? [list, nav] : make("p", { class: "empty" }, "No member has a date."),
    undated && dated.length
      ? make(
          "p",
          { class: "about" },
          "Without a date: ",
          listed(named),
          undated > named.length ? ` and ${count(undated - named.length, "other")}` : "",
        )
      : null,
  );
}

// The heading of a text: who printed it when, its title, where it is.
function heading(name, member, url, ...more) {
  return make(
    "header",
    {},
    make("h4", {}, line(name, optional(member.title))),
    make(
      "p",
      { class: "about" },
      line(field(member.id), optional(member.source), optional(printed(member)), link(url)),
    ),
    more,
  );
}

function standing(member) {
  if (member.jaccard == null) return `${relation(member)}: linked through other members only`;
  return [
    relation(member),
    `Jaccard ${score(member.jaccard)}`,
    `${percent(member.inside)} of it is in the kept text`,
    `${percent(member.share)} of the kept text is in it`,
  ].join(" · ");
}

function beside(cluster, number, texts) {
  const kept = cluster.members[0];
  const member = cluster.members[number];
  const found = texts.members[number - 1];
  const furniture = ({ furniture: numbers }) => [ranges(numbers, 1), furnitureMark];
  const left = block(texts.text, furniture(texts), [ranges(found?.gone ?? []), changeMark("del")]);
  const right = found
    ? block(restore(found.pieces, texts.text), furniture(found), [ranges(found.added), changeMark("ins")])
    : make("p", { class: "note" }, "The text of this member is not in this file, for want of room.");
  const about = make("p", { class: "about" }, standing(member));
  const view = make(
    "div",
    { class: "beside", tabindex: 0, role: "region", "aria-label": "The two texts" },
    make("article", {}, heading("Kept", kept, texts.url), make("div", {}, cutNote(texts), left)),
    make(
      "article",
      {},
      heading(member.kept ? "Kept too" : "Dropped", member, found?.url, about),
      make("div", {}, found && cutNote(found), right),
    ),
  );
  return { view, marks: [...view.querySelectorAll(".change")] };
}

function tally(marks) {
  if (!marks.length) return "No word differs";
  const added = marks.filter((mark) => mark.localName === "ins").length;
  return `${count(marks.length - added, "place")} struck through, ${digits(added)} underlined`;
}

function legend() {
  return make(
    "span",
    { class: "legend" },
    make("del", {}, "struck through"),
    ": only in the kept text · ",
    make("ins", {}, "underlined"),
    ": only in the other · ",
    make("span", { class: "furniture" }, make("span", { class: "kind" }, "kind"), "grey"),
    ": furniture, not compared",
  );
}

// Steps through the differences, as they stand on the page from top to bottom.
function steps(marks) {
  let at = -1;
  const places = marks.map((mark) => [mark.getBoundingClientRect().top, mark]);
  places.sort((left, right) => left[0] - right[0]);
  const go = (by) => {
    if (!places.length) return;
    at = (at + by + places.length + (at < 0 && by < 0 ? 1 : 0)) % places.length;
    places[at][1].focus({ preventScroll: true });
    places[at][1].scrollIntoView({ block: "center" });
  };
  return go;
}

// The panel of a cluster. `chosen` is the place of a member; `choose` is told when another one is.
async function panel(cluster, chosen, choose) {
  const texts = await record("texts", cluster.number);
  const others = cluster.members.slice(1);
  const unlisted = cluster.size - cluster.members.length;
  const name = "Members: one to show beside the kept text";
  const list = make("div", { class: "members", role: "listbox", tabindex: 0, "aria-label": name });
  const nav = make("nav", { class: "pager", "aria-label": "Pages of members" });
  const below = make("div", { class: "whole" });
  let first = 0;
  let go = () => {};

  const option = (member, place) =>
    make(
      "div",
      { role: "option", id: `member-${place}`, "aria-selected": place === chosen, click: () => pick(place) },
      make("span", {}, line(make("b", {}, field(member.source ?? member.id)), optional(printed(member)))),
      make("span", { class: "scores" }, relation(member)),
      make("span", { class: "about" }, line(optional(member.title), member.source && field(member.id))),
      make("span", { class: "scores about" }, member.kept ? "kept too, " : "", `Jaccard ${score(member.jaccard)}`),
    );

  const show = (start) => {
    first = start;
    const members = others.slice(first, first + MEMBERS_SHOWN);
    list.replaceChildren(...members.map((member, at) => option(member, first + at + 1)));
    pager(nav, { total: others.length, first, size: MEMBERS_SHOWN, go: show });
    const isListed = chosen > first && chosen <= first + MEMBERS_SHOWN;
    list.setAttribute("aria-activedescendant", isListed ? `member-${chosen}` : "");
  };

  const pick = (place) => {
    chosen = place;
    show(Math.floor((place - 1) / MEMBERS_SHOWN) * MEMBERS_SHOWN);
    list.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
    compare();
    choose(place);
  };

  const compare = () => {
    if (!texts) {
      below.replaceChildren(
        make("p", { class: "note" }, "The texts of this cluster are not in this file, for want of room."),
      );
      return;
    }
    const { view, marks } = beside(cluster, chosen, texts);
    const step = (by) => make("button", { type: "button", click: () => go(by) }, by > 0 ? "Next" : "Previous");
    below.replaceChildren(
      make(
        "div",
        { class: "steps" },
        make("span", { role: "status" }, tally(marks)),
        marks.length ? [step(-1), step(1)] : null,
        legend(),
      ),
      view,
    );
    go = (by) => ((go = steps(marks)), go(by));
  };

  list.addEventListener("keydown", (event) => {
    const to = { ArrowDown: chosen + 1, ArrowUp: chosen - 1, Home: 1, End: others.length }[event.key];
    if (to == null) return;
    event.preventDefault();
    event.stopPropagation();
    pick(Math.min(Math.max(to, 1), others.length));
  });

  const element = make(
    "div",
    { class: "panel", role: "region", "aria-label": `Cluster of ${cluster.members[0].id}` },
    make(
      "div",
      {},
      make("h4", {}, `${count(cluster.size - 1, "other member")} beside the kept text`),
      list,
      nav,
      unlisted > 0 && make("p", { class: "note" }, `${count(unlisted, "more member")} not listed in this file.`),
    ),
    timeline(cluster),
    below,
  );
  element.addEventListener("keydown", (event) => {
    const by = { n: 1, p: -1 }[event.key];
    if (by && !event.ctrlKey && !event.metaKey && !event.altKey) go(by);
  });
  show(Math.floor((chosen - 1) / MEMBERS_SHOWN) * MEMBERS_SHOWN);
  compare();
  return element;
}
