// Elements of the page. Whatever comes from a document becomes a text node or a plain attribute, never markup.

const SVG = "http://www.w3.org/2000/svg";

function make(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function draw(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (name.startsWith("aria-")) element.setAttribute(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child != null && child !== false));
  return element;
}

// A field of a document, whose direction of writing touches nothing around it.
function field(text, attributes = {}) {
  return make("bdi", attributes, visible(text));
}

// Control characters as pictures of themselves; tabs and line ends stay.
function visible(text) {
  return text.replace(/[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/g, (char) =>
    String.fromCharCode(char === "\x7f" ? 0x2421 : 0x2400 + char.charCodeAt(0)),
  );
}

// A field, or nothing where a document has none.
function optional(text) {
  return text == null ? null : field(text);
}

// Parts of a line, with a dot between those that are there.
function line(...parts) {
  const there = parts.filter((each) => each != null && each !== "");
  return there.flatMap((each, place) => (place ? [" · ", each] : [each]));
}

// Fields with commas between.
function listed(texts) {
  return texts.flatMap((text, place) => [place ? ", " : "", field(text)]);
}

// A whole number for people, and one of a kind of thing.
function digits(value) {
  return value.toLocaleString("en");
}

function count(value, noun) {
  return `${digits(value)} ${noun}${value === 1 ? "" : "s"}`;
}

// Scores come in thousandths.
function score(value) {
  return value == null ? "–" : (value / 1000).toFixed(3);
}

function percent(value) {
  return value == null ? "–" : `${Math.floor(value / 10)} %`;
}

// An address as a link when it leads to the web, otherwise as text.
function link(url) {
  if (!url) return null;
  if (!/^https?:\/\//i.test(url)) return field(url);
  return make("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, field(url));
}

// Previous and next, below a list of which some entries are shown at once.
function pager(nav, { total, first, size, go, focus }) {
  if (total <= size) return nav.replaceChildren();
  const last = Math.min(first + size, total);
  const button = (label, start, enabled) =>
    make("button", { type: "button", disabled: !enabled, click: () => (go(start), focus?.()) }, label);
  nav.replaceChildren(
    button("Previous", Math.max(0, first - size), first > 0),
    make("span", {}, `${digits(first + 1)}–${digits(last)} of ${digits(total)}`),
    button("Next", first + size, last < total),
  );
}
